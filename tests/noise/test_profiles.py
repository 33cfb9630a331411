"""The profiles that ship: how much of the time each takes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import MICROSECOND, MILLISECOND
from vmpp.errors import VmppError
from vmpp.hardware import Periodic
from vmpp.machine.choices import bound
from vmpp.machine.description import MachineDescription
from vmpp.machine.noise import MachineNoise
from vmpp.machine.plugins import Plugins
from vmpp.machine.tables import NodeTable

Measure: TypeAlias = Callable[..., list[int]]
Machines: TypeAlias = Callable[..., MachineDescription]

PLUGINS = Plugins.installed()


def sources(text: str) -> list[Periodic]:
    return list(bound("noise", text, PLUGINS.noise)())


def share(text: str) -> float:
    return float(sum(Fraction(each.duration, each.period) for each in sources(text)))


def test_a_light_weight_kernel_is_silent() -> None:
    assert sources("silent") == []


@pytest.mark.parametrize(
    ("profile", "percent"),
    [
        ("linux-100hz", 0.12),
        ("linux-1000hz", 0.88),
        ("cluster", 0.0622),
        ("plan9", 0.056),
        ("desktop", 1.02),
        ("ferreira-10hz", 2.5),
        ("ferreira-100hz", 2.5),
        ("ferreira-1000hz", 2.5),
    ],
)
def test_each_takes_its_share_of_the_time(profile: str, percent: float) -> None:
    assert share(profile) * 100 == pytest.approx(percent, abs=0.006)


def test_plan_9_is_no_noisier_than_linux() -> None:
    assert share("plan9") < share("linux-100hz") < share("desktop")


@pytest.mark.parametrize("profile", ["linux-100hz", "desktop", "ferreira-10hz"])
def test_each_may_happen_on_all_nodes_at_once(profile: str) -> None:
    assert not any(each.synchronised for each in sources(profile))
    in_step = sources(f"{profile}:synchronised=yes")
    assert all(each.synchronised for each in in_step)
    assert share(profile) == share(f"{profile}:synchronised=yes")


def test_periodic_noise_has_all_that_a_source_has() -> None:
    assert sources("periodic:1ms:25us") == [Periodic(MILLISECOND, 25 * MICROSECOND)]
    assert sources(
        "periodic:1ms:25us:phase=3us:jitter=4us:synchronised=yes:nodes=0..3,8:cpu=any"
    ) == [
        Periodic(
            MILLISECOND, 25 * MICROSECOND, 3 * MICROSECOND, 4 * MICROSECOND,
            frozenset({0, 1, 2, 3, 8}), "any",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("periodic:1ms:2ms", "noise 'periodic:1ms:2ms': duration: an event is shorter than"),
        ("periodic:1ms:5us:phase=1us", "phase: it is each node's own; say synchronised=yes"),
        ("periodic:1ms:5us:nodes=x", 'nodes: "x" is no set of nodes'),
        ("periodic:1ms:5", 'duration: "5" has no unit'),
        ("linux", "no plugin offers the noise 'linux'; did you mean 'linux-100"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    measure: Measure, machine: Machines, text: str, complaint: str
) -> None:
    with pytest.raises(VmppError) as raised:
        measure("", machine(text))
    assert complaint in str(raised.value)
    assert not str(raised.value).startswith("plugin")
    assert "\n" not in str(raised.value)


ARGUMENTS = st.lists(
    st.tuples(
        st.sampled_from(["", "period=", "duration=", "phase=", "jitter=", "nodes=", "cpu=", "x="]),
        st.sampled_from(["1ms", "25us", "0s", "yes", "all", "0..7/2", "any", "-1s", "1e400s", ""]),
    ).map("".join),
    max_size=6,
)


@given(ARGUMENTS)
def test_whatever_a_text_says_it_is_noise_or_refused_in_a_line(arguments: list[str]) -> None:
    text = ":".join(["periodic", *arguments])
    said = ""
    try:
        MachineNoise(MachineDescription(node=NodeTable(noise=text)), PLUGINS, Random)
    except VmppError as error:
        said = str(error)
    assert "\n" not in said
