"""Replaying: what counts as the same, what does not, and what is said then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vmpp.scenario.replaying import Outcome
from vmpp.scenario.updating import difference, edited, edits

Play = Callable[..., Outcome]


def test_a_scenario_passes_if_every_command_gives_what_it_must(play: Play) -> None:
    outcome = play("vmpp> echo one\none\nvmpp> exit 3\n[3]\nvmpp>\nvmpp> echo\n\n")
    assert outcome.error is None
    assert [each.status for each in outcome.replayed] == [0, 3, 0, 0]


@pytest.mark.parametrize(
    ("output", "passes"),
    [
        ("a b c\nd\ne", True),
        ("a ... c\nd\ne", True),
        ("a ...\n...", True),
        ("...", True),
        ("...\nd\n...", True),
        ("a b c\n...\nd\ne\n...", True),
        ("...a... ...c...\nd\ne", True),
        ("a b c\nd\ne \t", True),
        ("a b c\nd\ne (no-eol)", False),
        ("a b c d\nd\ne", False),
        ("a b\nd\ne", False),
        ("a b c\nd", False),
        ("a b c\n...\nf", False),
        ("a...b...b...c\nd\ne", False),
        ("a b c ... c\nd\ne", False),
        ("a b c\nd\ne\n[1]", False),
        ("\\a\\x20b\\u0020c (esc)\nd\ne", True),
        ("a ... \\c (esc)\nd\ne", True),
        ("a \\... c (esc)\nd\ne", False),
        ("A b c\nd\ne", False),
    ],
)
def test_wildcards_stand_for_anything_in_a_line_or_for_lines(
    play: Play, output: str, passes: bool
) -> None:
    outcome = play(f"vmpp> say\n{output}\n", {"say": (b"a b c\nd\ne\n", 0)})
    assert outcome.passed == passes


def test_a_difference_does_not_stop_the_replay(play: Play) -> None:
    outcome = play("vmpp> echo one\ntwo\nvmpp> echo three\nthree\nvmpp> echo four\n")
    assert [each.passed for each in outcome.replayed] == [False, True, False]


def test_answers_to_questions_are_in_the_transcript(play: Play) -> None:
    passed = play("vmpp> login bob\nPassword: sesame\nbob is in\n")
    assert passed.passed
    refused = play("vmpp> login bob\nPassword: open up\nlogin: refused\n[1]\n")
    assert refused.passed


def test_an_answer_may_be_empty(play: Play) -> None:
    assert play("vmpp> login bob\nPassword:\nlogin: refused\n[1]\n").passed


def test_a_question_that_nobody_answers_is_an_error_of_the_command(play: Play) -> None:
    outcome = play("vmpp> login bob\nbob is in\n")
    assert "".join(outcome.replayed[0].lines) == (
        "login: nobody answers; write 'Password: ANSWER' below the command\n"
    )


def test_a_command_that_hangs_ends_the_replay(play: Play) -> None:
    outcome = play("timeout: 0.05\nvmpp> echo a\na\nvmpp> hang\nvmpp> echo b\n")
    assert outcome.error is not None
    assert outcome.error.endswith("it.vmpp:4: 'hang' has not ended after 0.05 s")
    assert len(outcome.replayed) == 1
    assert not outcome.passed


def test_a_machine_that_cannot_be_had_is_named_in_one_line(play: Play) -> None:
    outcome = play("machine: broken\nvmpp> echo a\n")
    assert outcome.error is not None
    assert outcome.error.endswith("it.vmpp:1: no machine is called 'broken'")


def test_a_defect_is_shown_with_its_traceback(play: Play) -> None:
    outcome = play("vmpp> echo a\na\nvmpp> break it\n")
    assert outcome.error is not None
    assert "it.vmpp:3: Traceback" in outcome.error
    assert outcome.error.endswith("ZeroDivisionError: it")


def test_the_difference_is_between_the_file_and_what_happened(play: Play) -> None:
    outcome = play("seed: 1\n\nvmpp> lines a b c d\na\n...\nx\n\n# Next.\nvmpp> exit 2\n")
    path = outcome.scenario.path
    assert list(difference(outcome)) == [
        f"--- {path} (expected)",
        f"+++ {path} (actual)",
        "@@ -3,7 +3,8 @@",
        " vmpp> lines a b c d",
        " a",
        " ...",
        "-x",
        "+d",
        " ",
        " # Next.",
        " vmpp> exit 2",
        "+[2]",
    ]


@pytest.mark.parametrize(
    ("expected", "actual", "updated"),
    [
        ("took ... ms on 8 nodes", "took 7 ms on 9 nodes", "took ... ms on 9 nodes"),
        ("took ... ms", "nothing of the kind", "nothing of the kind"),
        ("a\n...\nz", "a\nb\nc\ny", "a\n...\ny"),
        ("a\n...\nz", "x\nb\nc\nz", "x\n...\nz"),
        ("...", "a\nb", "..."),
        ("a\nb\nc", "a\nc", "a\nc"),
        ("a\nc", "a\nb\nc", "a\nb\nc"),
        ("rank ...: 1\nrank ...: 2", "rank 0: 1\nrank 1: 3", "rank ...: 1\nrank ...: 3"),
        ("a", "...", "\\.\\.\\. (esc)"),
        ("a", "b\n", "b\n (esc)"),
        ("a ...", "a [1]\n[1]", "a ...\n\\[1] (esc)"),
    ],
)
def test_an_update_keeps_wildcards_where_they_still_match(
    play: Play, expected: str, actual: str, updated: str
) -> None:
    outcome = play(
        f"vmpp> say\n{expected}\n\nvmpp> echo a\na\n", {"say": (f"{actual}\n".encode(), 0)}
    )
    text = "\n".join(edited(outcome.scenario.lines, edits(outcome)))
    assert text == f"vmpp> say\n{updated}\n\nvmpp> echo a\na"
