"""Noise in machine files: a profile by name, and tables of sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmpp
from vmpp.engine import MICROSECOND, MILLISECOND, SECOND
from vmpp.errors import VmppError
from vmpp.hardware import Periodic
from vmpp.machine.description import MachineDescription, MachineFileError, decode, parameters

Measure: TypeAlias = Callable[..., list[int]]
Machines: TypeAlias = Callable[..., MachineDescription]


TIMER = """
[[noise]]
name = "timer"
period = "10 ms"
duration = "250 us"
"""

COMPUTE = """
began = MPI.Wtime()
vmpp.compute({seconds})
print(round((MPI.Wtime() - began) * 1e9) - 100)
"""


def test_a_file_has_as_many_sources_as_it_likes() -> None:
    described = decode(
        TIMER
        + """
        [[noise]]
        period = "30 s"
        duration = "7 ms"
        jitter = "1 s"
        synchronised = true
        nodes = "0..95/32,7"
        cpu = "any"
        """,
        "test.toml",
    )
    assert [each.source for each in described.noise] == [
        Periodic(10 * MILLISECOND, 250 * MICROSECOND),
        Periodic(30 * SECOND, 7 * MILLISECOND, 0, SECOND, frozenset({0, 32, 64, 7}), "any"),
    ]


def test_a_phase_is_that_of_all_nodes() -> None:
    (table,) = decode(TIMER + 'phase = "3 ms"', "test.toml").noise
    assert table.source.phase == 3 * MILLISECOND
    assert table.source.synchronised


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('period = "1 ms"', "duration is missing"),
        ('duration = "1 ms"', "period is missing"),
        ('period = "1 ms"\nduration = 20', "1: duration: 20 has no unit; write a duration such as"),
        ('period = "1 ms"\nduration = "1 ms"', "1: duration: an event is shorter than the period"),
        ('period = "1 ms"\nduration = "1 us"\njitter = "2 ms"', "1: jitter: an event can be late"),
        (
            'period = "1 ms"\nduration = "1 us"\nperod = "1 s"',
            "1: has no key 'perod'; did you mean",
        ),
        ('period = "1 ms"\nduration = "1 us"\ncpu = "third"', '1: cpu: "third" is none of applica'),
        ('period = "1 ms"\nduration = "1 us"\nnodes = "a"', '1: nodes: "a" is no set of nodes'),
        ('period = "1 ms"\nduration = "1 us"\nnodes = "service"', '"service" are no compute nodes'),
        ('period = "1 ms"\nduration = "1 us"\nnodes = "0..9/0"', 'nodes: "0..9/0": every 0th is'),
        ('period = "1 ms"\nduration = "1 us"\nsynchronised = "yes"', "1: synchronised: expected"),
    ],
)
def test_a_mistake_is_told_with_the_number_of_its_table(text: str, complaint: str) -> None:
    with pytest.raises(MachineFileError) as raised:
        decode(f"[[noise]]\n{text}", "test.toml")
    assert str(raised.value).startswith("test.toml: [[noise]] 1: ")
    assert complaint in str(raised.value)


def test_the_second_table_is_told_from_the_first() -> None:
    with pytest.raises(MachineFileError, match=r"\[\[noise\]\] 2: period is missing"):
        decode(TIMER + "[[noise]]", "test.toml")


def test_one_table_is_no_list_of_tables() -> None:
    with pytest.raises(MachineFileError, match=r"noise: is a list of tables; write \[\[noise\]\]"):
        decode('[noise]\nperiod = "1 ms"', "test.toml")


def test_a_key_of_a_source_is_told_where_it_belongs() -> None:
    with pytest.raises(MachineFileError, match=r"'jitter'; it belongs in \[\[noise\]\]"):
        decode('[node]\njitter = "1 ms"', "test.toml")


def test_nodes_that_there_are_not_are_refused() -> None:
    sized = "[topology]\ndims = [4, 4]\n"
    with pytest.raises(MachineFileError, match="nodes: there is no compute node 14: they are 0"):
        decode(f'{sized}{TIMER}nodes = "13..14"', "test.toml")
    assert decode(f'{sized}{TIMER}nodes = "13"', "test.toml").noise


def test_the_keys_are_documented() -> None:
    documented = {each.key: each for each in parameters() if each.table == "[noise]"}
    assert list(documented) == [
        "name", "period", "duration", "phase", "jitter", "synchronised", "nodes", "cpu",
    ]  # fmt: skip
    assert documented["period"].default == "(none)"
    assert documented["cpu"].default == "application"


def test_noise_that_leaves_no_time_is_refused_when_the_machine_boots(
    measure: Measure,
    machine: Machines,
) -> None:
    crowded = machine("periodic:10ms:9ms", TIMER.replace("250 us", "2 ms"))
    with pytest.raises(VmppError, match=r"node 0: noise takes 110.0% .* \(periodic 1, .* timer\)"):
        measure("", crowded)


def test_computing_takes_as_much_longer_as_its_events_take(
    measure: Measure,
    machine: Machines,
) -> None:
    (took,) = measure(COMPUTE.format(seconds=1), machine(sources=TIMER))
    # 102.56 periods fit in: 102 or 103 events.
    assert took - 1_000_000_000 in (102 * 250_000, 103 * 250_000)


def test_only_nodes_that_are_named_are_hit(measure: Measure, machine: Machines) -> None:
    described = machine(sources=TIMER + 'nodes = "1,3"')
    took = measure(COMPUTE.format(seconds=0.02), described, nprocs=4)
    assert sorted(each > 20_000_000 for each in took) == [False, False, True, True]


def test_sources_add_up_to_the_profile(measure: Measure, machine: Machines) -> None:
    both = machine("periodic:10ms:1ms:synchronised=yes", TIMER + 'phase = "5 ms"')
    (took,) = measure(COMPUTE.format(seconds=10), both)
    assert took == pytest.approx(10e9 / (1 - 0.1 - 0.025), rel=1e-3)


def test_the_seed_and_the_name_of_a_source_say_where_its_events_are(
    measure: Measure,
    machine: Machines,
) -> None:
    text = "for _ in range(40): vmpp.compute(0.0005); print(round(MPI.Wtime() * 1e9))"
    before = measure(text, machine(sources=TIMER), seed=1)
    assert measure(text, machine(sources=TIMER), seed=1) == before
    assert measure(text, machine(sources=TIMER), seed=2) != before
    # One more source, ahead of it and too rare to show, shifts nothing.
    rare = '[[noise]]\nname = "rare"\nperiod = "1000 s"\nduration = "1 ns"\n'
    assert measure(text, machine(sources=rare + TIMER), seed=1) == before


def test_a_file_may_name_a_profile_with_parameters(tmp_path: Path) -> None:
    file = tmp_path / "noisy.toml"
    program = tmp_path / "program.py"
    program.write_text("import vmpp; vmpp.compute(1)")
    file.write_text('[node]\nnoise = "periodic:10ms:1ms"')
    assert vmpp.run(program, machine=file).virtual_time > 1.1
    file.write_text('[node]\nnoise = "periodic:10ms:jiter=1ms"')
    with pytest.raises(MachineFileError, match=r"\[node\] noise: .* no parameter 'jiter'; did you"):
        vmpp.run(program, machine=file)
    file.write_text('[node]\nnoise = "periodic:1ms:2ms"')
    with pytest.raises(MachineFileError, match=r"noisy.toml: \[node\] noise: noise 'periodic:1ms"):
        vmpp.run(program, machine=file)


KEYS = ["name", "period", "duration", "phase", "jitter", "synchronised", "nodes", "cpu", "x"]
VALUES = st.one_of(
    st.sampled_from(
        ['"1 ms"', '"20 us"', '"0 s"', '"all"', '"0..7/2"', '"any"', "true", "5", '"-1 s"']
    ),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.just("[]"),
    st.just("{a = 1}"),
    st.text("0123456789 .smu/,-").map(lambda text: f'"{text}"'),
)


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=3))
def test_whatever_a_table_says_it_is_a_source_or_refused_in_a_line(
    tables: list[dict[str, str]],
) -> None:
    text = "\n".join(
        "[[noise]]\n" + "\n".join(f"{key} = {value}" for key, value in table.items())
        for table in tables
    )
    said = ""
    try:
        made = [each.source for each in decode(text, "test.toml").noise]
    except MachineFileError as error:
        said = str(error)
    else:
        assert len(made) == len(tables)
    assert "\n" not in said
    assert not said or said.startswith("test.toml: [[noise]] ")
