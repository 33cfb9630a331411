"""Settings of one job: keys of the machine's file that an option of yod or vmpp run sets."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmpp
from vmpp.machine.description import MachineDescription, MachineFileError
from vmpp.machine.job_settings import JOB_SETTINGS


@pytest.mark.parametrize("setting", JOB_SETTINGS, ids=lambda setting: setting.option)
def test_every_setting_is_a_key_of_machine_files(setting: object) -> None:
    described = MachineDescription()
    name = setting.name  # type: ignore[attr-defined]
    table, key = name.split(".")
    before = getattr(getattr(described, table), key)
    changed = described.with_settings({name: "true" if isinstance(before, bool) else "8192"})
    assert getattr(getattr(changed, table), key) in (True, 8192)


def test_a_size_is_written_with_its_unit_or_in_bytes() -> None:
    described = MachineDescription()
    assert described.with_settings({"nx.mbf": "2 MiB"}).nx.mbf == 2 << 20
    assert described.with_settings({"nx.mbf": "4096"}).nx.mbf == 4096


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("nx.mbf", "much", 'nx.mbf: "much" is not a size'),
        ("nx.mbf", "1", 'nx.mbf: "1 B" is not between 1 KiB and 1 TiB'),
        ("nx.none", "1", "there is no key nx.none in a machine's description"),
        ("none.mbf", "1", "there is no key none.mbf in a machine's description"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(name: str, text: str, wrong: str) -> None:
    with pytest.raises(MachineFileError, match=wrong):
        MachineDescription().with_settings({name: text})


def test_a_run_has_what_its_settings_say(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("print('runs')\n")
    assert vmpp.run(program, settings={"nx.pkt": "128"}).stdout == b"runs\n"
    with pytest.raises(MachineFileError, match="is not between 64 B"):
        vmpp.run(program, settings={"nx.pkt": "1"})
