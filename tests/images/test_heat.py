"""The image heat: the same picture on any number of nodes, and no heat is lost."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vmpp
import vmpp_images

HEAT = Path(vmpp_images.__file__).parent / "heat.py"
INITIAL = HEAT.parent / "data" / "initial.png"


def heat(folder: Path, nprocs: int, *options: str) -> vmpp.Result:
    """Run the program in *folder*."""
    return vmpp.run(HEAT, options, nprocs=nprocs, cwd=folder)


def field(summary: bytes, name: str) -> list[float]:
    """Return the numbers in the line of the summary which is called *name*."""
    line = next(line for line in summary.decode().splitlines() if line.startswith(name))
    return [float(number) for number in re.findall(r"\d+\.?\d*(?:e[-+]\d+)?", line)]


def test_the_picture_does_not_depend_on_the_number_of_nodes(tmp_path: Path) -> None:
    pictures = set()
    for nprocs in (1, 3, 8):
        name = f"on{nprocs}.png"
        result = heat(tmp_path, nprocs, str(INITIAL), "--steps", "20", "--output", name)
        assert (result.status, result.stderr) == (0, b"")
        assert f"wrote       {name}\n" in result.stdout.decode()
        pictures.add((tmp_path / name).read_bytes())
    assert len(pictures) == 1


def test_blocks_of_unequal_size_make_the_same_plate(tmp_path: Path) -> None:
    plate = np.random.default_rng(1).integers(0, 256, (7, 11), dtype=np.uint8)
    Image.fromarray(plate).save(tmp_path / "small.png")
    results = [
        heat(tmp_path, nprocs, "small.png", "--steps", "9", "--output", f"{nprocs}.png")
        for nprocs in (1, 6, 9)
    ]
    assert [result.status for result in results] == [0, 0, 0]
    assert len({(tmp_path / f"{nprocs}.png").read_bytes() for nprocs in (1, 6, 9)}) == 1


def test_heat_spreads_and_none_is_lost(tmp_path: Path) -> None:
    summary = heat(tmp_path, 4, str(INITIAL), "--steps", "40").stdout
    before, after = field(summary, "heat")
    assert after == pytest.approx(before, rel=1e-9)
    with Image.open(INITIAL) as picture:
        assert before == pytest.approx(np.asarray(picture, dtype=float).sum() / 255)
    lowest, highest = field(summary, "temperature")
    assert 0 < lowest < highest < 1


def test_a_plate_of_one_temperature_has_settled(tmp_path: Path) -> None:
    Image.new("L", (8, 8), 51).save(tmp_path / "even.png")
    summary = heat(tmp_path, 4, "even.png", "--check", "5").stdout
    assert field(summary, "steps")[0] == 5
    assert field(summary, "temperature") == [0.2, 0.2]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["gone.png"], 1, "heat: cannot read gone.png: No such file or directory\n"),
        (["heat.txt"], 1, "heat: cannot read heat.txt: cannot identify image file"),
        (["tiny.png"], 1, "heat: 1 x 1 cells are too few for [2, 2] processes\n"),
        (["--diffusivity", "0.3"], 2, "heat: error: the scheme is stable for a diffusivity of up"),
        (["--steps", "many"], 2, "heat: error: argument --steps: invalid int value: 'many'"),
    ],
)
def test_rank_0_alone_says_what_is_wrong(
    options: list[str], status: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "heat.txt").write_text("no picture")
    Image.new("L", (1, 1)).save(tmp_path / "tiny.png")
    result = heat(tmp_path, 4, *options)
    assert result.status == status
    assert result.stderr.decode().count(said) == 1
    assert not (tmp_path / "heat.png").exists()
