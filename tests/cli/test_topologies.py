"""``vmpp topologies``: what networks amount to."""

from __future__ import annotations

import pytest

from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins, Source
from vmpp_shell.app import main
from vmpp_topology import Mesh2D


def status_of(*arguments: str) -> object:
    with pytest.raises(SystemExit) as end:
        main(["topologies", *arguments])
    return end.value.code


def rows(printed: str) -> list[list[str]]:
    return [line.split("  ") for line in printed.splitlines()]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_all_are_listed_for_as_many_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of() == 0
    titles, *lines = capsys.readouterr().out.splitlines()
    assert cells(titles)[:3] == ["Topology", "Dimensions", "Nodes"]
    found = {cells(line)[0]: cells(line)[1:] for line in lines}
    assert found["mesh2d"] == ["8 x 8", "64", "0", "224", "4", "14", "5.333", "8", "deterministic"]
    assert found["fat-tree"][:3] == ["4 x 16", "64", "48"]
    assert found["fat-tree"][-1] == "deterministic, adaptive"
    assert found["bus"][1:-1] == ["64", "0", "1", "1", "1", "1.000", "1"]
    assert list(found) == sorted(found)


def test_one_is_told_of_at_any_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("torus", "8x8x8") == 0
    _, line = capsys.readouterr().out.splitlines()
    assert cells(line)[1:8] == ["8 x 8 x 8", "512", "0", "3,072", "6", "12", "6.012"]
    assert status_of("fat-tree:8", "--nodes", "1000") == 0
    _, line = capsys.readouterr().out.splitlines()
    assert cells(line)[:3] == ["fat-tree:8", "8 x 512", "4,096"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tours"], "vmpp: error: no plugin offers the topology 'tours'; did you mean 'torus'"),
        (
            ["torus", "8xx8"],
            "vmpp: error: invalid value for '[DIMS]': '8xx8' are no dimensions; wr",
        ),
        (["torus", "0"], "vmpp: error: invalid value for '[DIMS]': '0' are no dimensions; write 8"),
        (["mesh3d", "4x4"], "vmpp: error: topology 'mesh3d': a 3-D mesh has three positive dimens"),
        (["fat-tree:1"], "vmpp: error: topology 'fat-tree:1': "),
    ],
)
def test_mistakes_are_answered_in_a_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(*arguments) != 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(said)
    assert printed.err.count("\n") == 1


def test_what_a_stranger_does_not_say_is_computed_or_left_open(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Bare:
        def __init__(self, dims: tuple[int, ...]) -> None:
            mesh = Mesh2D(dims)
            self.dims, self.size, self.links = mesh.dims, mesh.size, mesh.links
            self.coordinates, self.hops, self.route = mesh.coordinates, mesh.hops, mesh.route

    class Wired(Bare):
        def __init__(self, dims: tuple[int, ...]) -> None:
            super().__init__(dims)
            self.vertices, self.ends = self.size, Mesh2D(dims).ends

    class Stranger:
        @hookimpl
        def vmpp_topologies(self) -> dict[str, object]:
            return {"bare": Bare, "wired": Wired}

    plugins = Plugins()
    plugins.register(Stranger(), Source("stranger", "stranger", "vmpp", "0.1.0"))
    monkeypatch.setattr(Plugins, "installed", lambda: plugins)
    assert status_of("bare", "4x6") == 0
    assert status_of("wired", "4x6") == 0
    lines = capsys.readouterr().out.splitlines()
    assert cells(lines[1])[2:9] == ["24", "?", "96", "?", "8", "3.333", "?"]
    assert cells(lines[3])[2:9] == ["24", "0", "76", "4", "8", "3.333", "<= 4"]
    assert status_of() == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert status_of("bare") == 2
