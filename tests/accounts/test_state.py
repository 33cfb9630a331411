"""The folder in which a machine keeps what outlives a boot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vmpp.machine.state import LAYOUT, State, StateError, StateInUseError
from vmpp.service.account_store import AccountError, is_name


def test_a_machine_has_a_folder_among_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with State.named("paragon").open() as state:
        assert state.folder.is_relative_to(tmp_path) or sys.platform == "darwin"
        assert state.folder.name == "paragon"
        assert state.folder.stat().st_mode & 0o777 == 0o700
        assert (state.folder / "version").read_text() == f"{LAYOUT}\n"


def test_a_folder_that_was_there_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir(mode=0o755)
    with State.at(tmp_path / "s").open() as state:
        assert state.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["../../etc", "..", "", "a/b", ".hidden", "a\0b"])
def test_no_name_of_a_machine_leads_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with State.named(name).open() as state, State.named("other").open() as other:
        assert state.folder.parent == other.folder.parent
        assert not state.folder.name.startswith(".")


def test_one_vmpp_at_a_time_uses_a_state(tmp_path: Path) -> None:
    with State.at(tmp_path / "s").open():
        with pytest.raises(StateInUseError) as error, State.at(tmp_path / "s").open():
            pass
        said = str(error.value)
        assert "\n" not in said
        assert f"process {os.getpid()}" in said
        assert "--state DIR" in said
        assert "--ephemeral" in said
    with State.at(tmp_path / "s").open():
        pass


def test_a_vmpp_that_was_killed_leaves_the_state_to_the_next(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom vmpp.machine.state import State\n"
        "with State.at(sys.argv[1]).open():\n    print('mine', flush=True)\n    input()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "s"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mine\n"
        with (
            pytest.raises(StateInUseError, match=f"process {process.pid}"),
            State.at(tmp_path / "s").open(),
        ):
            pass
        process.kill()
        process.wait()
    with State.at(tmp_path / "s").open():
        pass


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(StateError, match="not the state of a machine"), State.at(tmp_path).open():
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_newer_layout_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("99\n")
    with pytest.raises(StateError, match="layout '99'"), State.at(tmp_path).open():
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="file"), State.at(tmp_path / "file" / "s").open():
        pass


def test_an_ephemeral_state_goes_with_the_machine() -> None:
    with State.ephemeral(user="alice").open() as state:
        folder = state.folder
        assert folder.is_dir()
        (folder / "something").write_text("...")
        assert state.database("accounts") == ":memory:"
    assert not folder.exists()


def test_who_runs_vmpp_sits_at_the_console_unless_it_is_said_who() -> None:
    assert is_name(State.ephemeral().user)
    assert State.ephemeral(user="alice").user == "alice"
    with pytest.raises(AccountError, match="cannot be a name"):
        State.ephemeral(user="Alice!")
