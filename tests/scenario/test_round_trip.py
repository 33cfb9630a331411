"""Any session can be recorded, and what is recorded replays equal to itself."""

from __future__ import annotations

import io
from pathlib import Path

import trio
from hypothesis import given
from hypothesis import strategies as st

from vmpp.scenario.directives import Directives
from vmpp.scenario.lines import Expected, literal, read, split, write
from vmpp.scenario.matching import alike, nearest
from vmpp.scenario.recorder import Recorder
from vmpp.scenario.replaying import decoded, replay
from vmpp.scenario.transcript import parse
from vmpp.scenario.updating import edited, edits

from .conftest import toy_shell

PIECES = [
    "vmpp> ", "vmpp>", "> ", "...", "....", ".", "[1]", "[0]", "# Size", "#", "\\", "\\x41", "\n",
    "\n\n", " ", "\t", "\r", "\x1b[31m", " (esc)", " (no-eol)", "(esc)", "```", "~~~", "a", "k: 1",
    "ÿ", "\u2028", "\xa0", "\ud800", "🙂", "\x00", "Password: x",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)
outputs = st.binary(max_size=20) | texts.map(lambda text: text.encode(errors="surrogatepass"))
commands = st.text(st.sampled_from("ab>\\'#.[]1 -\n"), min_size=1, max_size=8).map(
    lambda text: "x" + "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\\\n ")
).filter(lambda text: "\\\n" not in text)  # fmt: skip


@given(st.dictionaries(commands, st.tuples(outputs, st.integers(0, 255)), min_size=1, max_size=4))
def test_what_is_recorded_replays_equal_to_itself(session: dict[str, tuple[bytes, int]]) -> None:
    file = io.StringIO()
    recorder = Recorder(file, Directives())
    for command, (output, status) in session.items():
        recorder.command(command)
        recorder.output(output)
        recorder.ended(status)
    scenario = parse(file.getvalue().encode().decode(), Path("recorded.vmpp"))
    assert [command.text for command in scenario.commands] == list(session)
    outcome = trio.run(replay, scenario, toy_shell(session))
    assert outcome.error is None
    assert outcome.failed == ()


answers = texts.map(lambda text: text.replace("\n", "").rstrip(" \t")).filter(
    lambda text: text.isprintable() or text.isascii()
)


@given(answers, answers)
def test_answers_are_given_again(first: str, second: str) -> None:
    file = io.StringIO()
    recorder = Recorder(file, Directives())
    recorder.command("ask")
    for answer in (first, second):
        recorder.answered("Say: ", answer)
        recorder.output(f"heard {answer!r}\n".encode())
    recorder.ended(0)
    outcome = trio.run(replay, parse(file.getvalue(), Path("it.vmpp")), toy_shell())
    assert outcome.error is None
    assert outcome.failed == ()


@given(outputs, outputs)
def test_only_the_same_output_passes(recorded: bytes, other: bytes) -> None:
    lines, others = split(decoded(recorded)), split(decoded(other))
    expected = [read(line) for line in write(map(literal, lines))]
    assert alike(expected, others) == (lines == others)


expectations = st.lists(
    st.lists(st.sampled_from(["a", "b", "...", " ", "1", ".", "[1]", "#", "\\"]), max_size=6).map(
        lambda pieces: read("".join(pieces).rstrip())
    ),
    max_size=8,
)
lines = st.lists(
    st.sampled_from(["a", "b", "a 1", "b 1", "...", "", "# a", "[1]", "1 a b"]), max_size=8
)


@given(expectations, lines)
def test_an_update_passes_and_keeps_what_passes(
    expected: list[Expected], actual: list[str]
) -> None:
    output = [f"{line}\n" for line in actual]
    merged = [read(line) for line in write(nearest(expected, output))]
    assert alike(merged, output)
    if alike(expected, output):
        assert [line.parts for line in merged] == [line.parts for line in expected]


@given(st.tuples(outputs, st.integers(0, 255)), st.tuples(outputs, st.integers(0, 255)))
def test_an_updated_scenario_passes(before: tuple[bytes, int], after: tuple[bytes, int]) -> None:
    file = io.StringIO()
    recorder = Recorder(file, Directives())
    for _ in range(2):
        recorder.command("x")
        recorder.output(before[0])
        recorder.ended(before[1])
    scenario = parse(file.getvalue(), Path("it.vmpp"))
    changed = trio.run(replay, scenario, toy_shell({"x": after}))
    text = "\n".join([*edited(scenario.lines, edits(changed)), ""])
    updated = trio.run(replay, parse(text, Path("it.vmpp")), toy_shell({"x": after}))
    assert updated.passed
