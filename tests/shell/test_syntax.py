"""Command lines are read as Unix shells read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_shell.scripts import is_complete, logical_lines
from vmpp_shell.syntax import (
    LONGEST,
    Step,
    SyntaxMistake,
    Unfinished,
    Word,
    join,
    parse,
    quote,
    tokens,
)


def plain(word: Word) -> str:
    """Return *word* with the names of variables in place of their values."""
    return "".join(f"<{part.text}>" if part.variable else part.text for part in word.parts)


def words(line: str) -> list[str]:
    (step,) = parse(line)
    return [plain(word) for word in step.words]


@given(st.lists(st.text(), min_size=1))
def test_what_is_quoted_is_read_back_as_it_was(given_words: list[str]) -> None:
    assert words(join(given_words)) == given_words


@given(st.text())
def test_a_line_is_read_or_is_a_mistake(line: str) -> None:
    try:
        steps = parse(line)
    except SyntaxMistake:
        return
    assert all(step.words for step in steps)


@given(st.text(alphabet="ab'\"\\$ ;&|<>#\n2{}?"))
def test_words_stand_where_they_say(line: str) -> None:
    try:
        found = [token for token in tokens(line) if isinstance(token, Word)]
    except SyntaxMistake:
        return
    ends = [0, *(word.end for word in found)]
    assert all(end <= word.start < word.end for end, word in zip(ends, found, strict=False))


@given(st.lists(st.text(alphabet="ab '\"\\;#"), max_size=6))
def test_a_script_falls_into_lines_without_losing_any(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert "\n".join(logical_lines(text)).split("\n") == "\n".join(text.splitlines()).split("\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("yod -n 4 ring.py", ["yod", "-n", "4", "ring.py"]),
        ("echo 'a  b' \"c d\"e\\ f", ["echo", "a  b", "c de f"]),
        ("echo a#b # the rest is a comment", ["echo", "a#b"]),
        ("echo $HOME\"$?\"'$no' ${a}b $", ["echo", "<HOME><?>$no", "<a>b", "$"]),
        ("echo \"\" ''", ["echo", "", ""]),
        ("echo a\\\n b", ["echo", "a", "b"]),
    ],
)
def test_quotes_variables_and_comments(line: str, expected: list[str]) -> None:
    assert words(line) == expected


def test_commands_are_joined_as_in_other_shells() -> None:
    steps = parse("one; two & three && four || five\nsix")
    assert [(plain(step.words[0]), step.after, step.background) for step in steps] == [
        ("one", ";", False),
        ("two", ";", True),
        ("three", ";", False),
        ("four", "&&", False),
        ("five", "||", False),
        ("six", ";", False),
    ]


def test_pipes_and_redirections_belong_to_their_command() -> None:
    step, other = parse("squeue 2>&1 | grep R | wc -l >> 'the file' 2>errors; cat <in")
    assert [[plain(word) for word in each] for each in step.filters] == [
        ["grep", "R"],
        ["wc", "-l"],
    ]
    assert redirections(step) == [(">>", "the file"), ("2>", "errors")]
    assert step.joined
    assert redirections(other) == [("<", "in")]


def redirections(step: Step) -> list[tuple[str, str]]:
    return [(each.operator, plain(each.target)) for each in step.redirections]


def test_a_digit_is_part_of_an_operator_only_where_a_word_begins() -> None:
    (step,) = parse("echo a2>b")
    assert [plain(word) for word in step.words] == ["echo", "a2"]
    assert redirections(step) == [(">", "b")]
    assert quote("2>b") == "'2>b'"


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("; echo", "nothing stands before ';'"),
        ("echo &&& echo", "nothing stands before '&'"),
        ("echo >", "a file name is missing after '>'"),
        ("> file", "a command is missing before its redirection"),
        ("| wc", "nothing stands before '|'"),
    ],
)
def test_a_mistake_is_named(line: str, mistake: str) -> None:
    with pytest.raises(SyntaxMistake) as caught:
        parse(line)
    assert str(caught.value) == mistake
    assert is_complete(line)


@pytest.mark.parametrize("line", ["echo 'a", 'echo "a', "echo a \\", "echo &&", "squeue |"])
def test_what_the_next_line_may_complete_is_no_mistake_yet(line: str) -> None:
    assert not is_complete(line)
    with pytest.raises(Unfinished):
        parse(line)


def test_a_script_is_split_where_commands_end() -> None:
    text = "echo 'a\nb'\n# it's a comment\necho \\\n c &&\n true"
    assert list(logical_lines(text)) == [
        "echo 'a\nb'",
        "# it's a comment",
        "echo \\\n c &&\n true",
    ]


@pytest.mark.parametrize("line", ["x" * LONGEST, '"' + "x" * (LONGEST - 2) + '"'])
def test_a_long_line_is_read_up_to_a_limit(line: str) -> None:
    assert [len(plain(word)) for word in parse(line)[0].words] == [len(line.strip('"'))]
    with pytest.raises(SyntaxMistake, match="the line is too long"):
        parse(f" {line}")
