"""What nobody can mean is refused in one line, which names it."""

from __future__ import annotations

import pytest

from .conftest import OpenShell


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("chown 99999999999999999999:1 .", "there is no user '99999999999999999999'"),
        ("kill " + "9" * 5000, "is no number of a job"),
        ("nodes -t bsy", "'bsy' is not one of 'free', 'allocated', 'busy'"),
        ("sacct -S 1e300x", '"1e300x" is not a duration'),
        ("sacct -S inf", '"inf" is not a duration'),
        ("sacct -o JobID%99999999999999999999", "1000 characters wide at the most"),
        ("sleep 99999999999999999999s", "virtual time is told up to 106 days"),
        ("squeue -o %99999999999i", "1000 characters wide at the most"),
    ],
)
async def test_it_is_refused_in_a_line(shell: OpenShell, line: str, complaint: str) -> None:
    async with shell() as sh:
        printed = await sh(line)
        assert complaint in printed
        assert printed.count("\n") == 1
        assert sh.status in {1, 2}


async def test_seconds_need_no_unit_in_accounting(shell: OpenShell) -> None:
    async with shell() as sh:
        assert (
            await sh("sacct -S 1.5") == await sh("sacct -S '1.5 s'") == await sh("sacct -S 15e-1")
        )
        assert sh.status == 0
