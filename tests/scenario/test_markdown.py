"""Scenarios in pages of Markdown."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import trio

from vmpp.scenario.errors import ScenarioError
from vmpp.scenario.markdown import parse_page
from vmpp.scenario.replaying import replay
from vmpp.scenario.transcript import Scenario
from vmpp.scenario.updating import edited, edits

from .conftest import toy_shell

PAGE = Path("page.md")


def page(text: str) -> tuple[Scenario, ...]:
    return parse_page(dedent(text).removeprefix("\n"), PAGE)


def test_the_blocks_of_a_page_are_one_scenario() -> None:
    (found,) = page(
        """
        # Title

        ```python hello.py
        print("hello")
        ```

        ```vmpp
        seed: 5
        vmpp> seed
        5
        vmpp> files
        hello.py: 15
        ```

        Text.

        - item

          ```vmpp
          vmpp> echo a
          a

          vmpp> echo b
          b
          ```

        ```console
        $ vmpp> no
        ```
        """
    )
    assert [command.text for command in found.commands] == ["seed", "files", "echo a", "echo b"]
    assert [command.line for command in found.commands] == [9, 11, 20, 23]
    assert found.name == "page.md"
    assert trio.run(replay, found, toy_shell()).passed


def test_directives_may_stand_in_a_comment() -> None:
    (found,) = page(
        """
        <!-- vmpp
        seed: 5
        # why
        -->

        ```vmpp
        vmpp> seed
        5
        ```
        """
    )
    assert found.directives.seed == 5


def test_a_page_may_have_several_scenarios() -> None:
    found = page(
        """
        ```vmpp
        seed: 1
        vmpp> seed
        ```

        ```vmpp new
        vmpp> seed
        ```

        <!-- vmpp
        seed: 3
        -->
        ```vmpp
        vmpp> seed
        ```
        """
    )
    assert [each.directives.seed for each in found] == [1, 0, 3]
    assert [each.name for each in found] == ["page.md:1", "page.md:6", "page.md:13"]


def test_an_update_stays_within_the_block() -> None:
    (found,) = page(
        """
        1. item

           ```vmpp
           vmpp> echo ```
           x
           ```

        text
        """
    )
    changed = edited(found.lines, edits(trio.run(replay, found, toy_shell())))
    assert changed == [
        "1. item", "", "   ```vmpp", "   vmpp> echo ```", "   \\``` (esc)", "   ```", "", "text",
    ]  # fmt: skip
    assert trio.run(replay, page("\n".join(changed))[0], toy_shell()).passed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```vmpp\nsed: 1\nvmpp> ls\n```", "page.md:2: 'sed' is no directive; did you mean 'seed'"),
        ("```vmpp\nvmpp> a\n```\n```vmpp\nseed: 1\n```", "page.md:5: directives stand above"),
        (
            "```vmpp anew\nvmpp> a\n```",
            "page.md:1: a block can be 'vmpp' or 'vmpp new', not 'anew'",
        ),
    ],
)
def test_a_wrong_block_is_named(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        page(text)
    assert str(error.value).startswith(message)


def test_a_page_without_blocks_has_no_scenario() -> None:
    assert page("# Title\n\n```python\nprint()\n```\n") == ()
