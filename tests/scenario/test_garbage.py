"""Whatever a file holds: it is a scenario, or it is said in one line why it is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vmpp.machine.kinds import KINDS
from vmpp.scenario.directives import KEYS, Account, Directives, head
from vmpp.scenario.errors import ScenarioError
from vmpp.scenario.markdown import parse_page
from vmpp.scenario.transcript import parse

PIECES = [
    "vmpp> ", "vmpp>", "ls", "> ", "...", "[1]", "#", "\n", "\n\n", "\t", " ", "\\x4", "\\u00e4",
    " (esc)", " (no-eol)", "```vmpp", "```vmpp new", "```", "~~~", "    ", "- ", "> ```vmpp",
    "<!-- vmpp", "-->", "python a.py", "password=", "'", '"', "=", "as", "0", "-1", "1e9", "nan",
    "..", "/", "\x00", "é", *(f"{key}: " for key in KEYS),
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=20).map("".join)
words = st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True)


def complaint(read: Callable[[str, Path], object], text: str) -> str | None:
    """Return what is wrong with a file of this *text*; None if nothing is."""
    try:
        read(text, Path("it"))
    except ScenarioError as error:
        return str(error)
    return None


@given(texts)
def test_any_text_is_a_scenario_or_none(text: str) -> None:
    said = complaint(parse, text)
    assert said is None or (said.startswith("it:") and said.isprintable())


@given(texts)
def test_any_page_has_scenarios_or_none(text: str) -> None:
    said = complaint(parse_page, text)
    assert said is None or (said.startswith("it:") and said.isprintable())


@given(
    st.builds(
        Directives,
        nodes=st.none() | st.integers(1, 99),
        seed=st.integers(-9, 9),
        user=words.map("u{}".format),
        accounts=st.lists(
            st.builds(
                Account,
                words.map("a{}".format),
                st.lists(words, max_size=2).map(tuple),
                st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])),
            ),
            max_size=3,
            unique_by=lambda account: account.name,
        ).map(tuple),
        plugins=st.lists(words, max_size=2).map(tuple),
        policies=st.dictionaries(st.sampled_from(list(KINDS)), words, max_size=2),
        level=st.none() | st.integers(1, 64),
        width=st.integers(20, 300),
        timeout=st.floats(0.25, 900, width=16),
    )
)
def test_what_a_recorder_writes_as_the_head_is_read_as_the_same(directives: Directives) -> None:
    text = "\n".join([*head(directives), "vmpp> ls"])
    assert parse(text, Path("it")).directives == directives
