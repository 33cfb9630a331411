"""What of a machine's description a user sets for one job, and the options by which.

Every command line imports this, so it imports next to nothing. A setting's value is checked by what
its key in the machine's file `Is`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import click


@dataclass(frozen=True, slots=True)
class JobSetting:
    """One key of a machine file that an option of `yod` and ``vmpp run`` sets for a job.

    Attributes:
        option: as it is written.
        table, key: where the machine's file has it.
        text: what it is, for the user.
        metavar: what its value is; empty: it has none, and switches the key on.
    """

    option: str
    table: str
    key: str
    text: str
    metavar: str = "BYTES"

    @property
    def name(self) -> str:
        """What settings are called by: table and key."""
        return f"{self.table}.{self.key}"


JOB_SETTINGS: Final = (
    JobSetting("-mbf", "nx", "mbf", "NX: memory of a process for messages that nobody expects."),
    JobSetting("-mea", "nx", "mea", "NX: of that, what one sender may fill."),
    JobSetting("-mex", "nx", "mex", "NX: of that, what others may fill."),
    JobSetting("-pkt", "nx", "pkt", "NX: longest message that is sent without asking."),
    JobSetting("-sth", "nx", "sth", "NX: memory left at which long messages ask for it."),
    JobSetting("-sct", "nx", "sct", "NX: longest message that takes a receiver's memory."),
    JobSetting("-gth", "nx", "gth", "NX: bytes received until a sender is given them back."),
    JobSetting("-noc", "nx", "noc", "NX: others that a process expects to hear from.", "N"),
    JobSetting("-rlx", "nx", "rlx", "NX: give every sender its -mea, be it too much in all.", ""),
    JobSetting("-pt", "nx", "ptype", "NX: process type that processes begin with.", "N"),
)
"""All of them, in the order in which help tells of them."""


def job_setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command* an option for each setting; it gets what is set as `settings`, by name."""

    @wraps(command)
    def chosen(*args: Any, **options: Any) -> Any:
        given = {each.name: options.pop(_keyword(each)) for each in JOB_SETTINGS}
        settings: Mapping[str, str] = {
            name: "true" if value is True else value for name, value in given.items() if value
        }
        return command(*args, settings=settings, **options)

    decorated: Callable[..., Any] = chosen
    for each in reversed(JOB_SETTINGS):
        kind: dict[str, Any] = {"metavar": each.metavar} if each.metavar else {"is_flag": True}
        decorated = click.option(each.option, _keyword(each), help=each.text, **kind)(decorated)
    return decorated


def _keyword(setting: JobSetting) -> str:
    return f"setting_{setting.table}_{setting.key}"
