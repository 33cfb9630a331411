"""A machine file says what a machine is, and what is wrong with it is said in one line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmpp_images
import vmpp_topology
from vmpp import VmppError
from vmpp.hooks import hookimpl
from vmpp.machine.description import (
    MachineDescription,
    MachineFileError,
    MachineTooSmallError,
    UnknownMachineError,
    decode,
    load,
    parameters,
)
from vmpp.machine.plugins import Plugins, Source


class Policies:
    """Names for what the shipped machine files ask for."""

    @hookimpl
    def vmpp_policies(self) -> dict[str, Any]:
        return {"single": object}

    @hookimpl
    def vmpp_allocators(self) -> dict[str, Any]:
        return {"first-free": object}

    @hookimpl
    def vmpp_queueing(self) -> dict[str, Any]:
        return {"fcfs": object}

    @hookimpl
    def vmpp_cpu_modes(self) -> dict[str, Any]:
        return {"heater": object}

    @hookimpl
    def vmpp_noise(self) -> dict[str, Any]:
        return {"silent": object}


@pytest.fixture(name="plugins")
def _plugins() -> Plugins:
    plugins = Plugins()
    offered: dict[str, ModuleType | Policies] = {
        "topology": vmpp_topology,
        "images": vmpp_images,
        "policies": Policies(),
    }
    for name, module in offered.items():
        plugins.register(module, Source(name, name, "vmpp", "1"))
    plugins.check()
    return plugins


def refusal(text: str) -> str:
    """Return what is said of a machine file with this text."""
    with pytest.raises(MachineFileError) as caught:
        decode(text, "m.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("m.toml: ")
    return message.removeprefix("m.toml: ")


def test_quantities_are_whole_numbers_of_the_machines_units() -> None:
    machine = decode(
        """
        [network]
        link_rate = "160 MB/s"
        hop_latency = "40 ns"
        [node]
        memory = "64 MiB"
        flop_rate = "50 Mflop/s"
        """,
        "m.toml",
    )
    assert machine.network.link_rate == 6_250_000  # femtoseconds a byte
    assert machine.network.hop_latency == 40_000  # picoseconds
    assert machine.node.memory == 64 * 2**20
    assert machine.node.flop_rate == 20_000_000  # femtoseconds an operation
    assert machine.network.links.link_rate == machine.network.link_rate


def test_a_machine_is_called_as_its_file_unless_it_says_otherwise() -> None:
    assert decode("", "/somewhere/cray.toml").name == "cray"
    assert decode('name = "T3D"', "/somewhere/cray.toml").name == "T3D"


def test_default_is_what_a_file_leaves_out(plugins: Plugins) -> None:
    default = load("default", plugins)
    bare = MachineDescription(title=default.title, sources=default.sources)
    assert default == bare


def test_default_spells_out_every_key() -> None:
    text = (Path(vmpp_images.__file__).parent / "machines" / "default.toml").read_text()
    unsaid = {"name", "collectives", "tools", "servers"}
    for parameter in parameters():
        if parameter.table != "[noise]":
            # Of the tables that there may be any number of, it has none.
            assert parameter.key in unsaid or f"\n{parameter.key} = " in text


@pytest.mark.parametrize("name", ["paragon", "asci-red"])
def test_every_value_of_a_real_machine_is_given_and_its_sources_named(
    name: str, plugins: Plugins
) -> None:
    text = plugins.machines[name].read_text()
    for parameter in parameters():
        unsaid = {"name", "nodes", "collectives", "tools", "servers"}
        if parameter.table != "[noise]":
            assert parameter.key in unsaid or f"\n{parameter.key} = " in text
    assert load(name, plugins).sources


def test_asci_red_has_the_nodes_and_the_bisection_that_were_published(plugins: Plugins) -> None:
    machine = load("asci-red", plugins)
    assert machine.compute_nodes == 4536
    assert machine.service.io_nodes == 32
    links_cut = machine.topology.dims[1]
    both_ways = 2 * links_cut * 10**15 / machine.network.link_rate
    assert both_ways == pytest.approx(51.6e9, rel=0.02)


@given(nprocs=st.integers(1, 20_000))
def test_default_grows_to_any_job(nprocs: int) -> None:
    plugins = Plugins()
    plugins.register(vmpp_topology, Source("topology", "vmpp_topology", "vmpp", "1"))
    machine = MachineDescription().sized(nprocs, plugins)
    assert not machine.grows
    assert nprocs <= machine.compute_nodes < nprocs + 2 * nprocs**0.5 + 4


def test_a_job_larger_than_the_machine_is_refused(plugins: Plugins) -> None:
    machine = load("paragon", plugins)
    assert machine.sized(1840, plugins) is machine
    with pytest.raises(MachineTooSmallError, match="1840 compute nodes, not 1841"):
        machine.sized(1841, plugins)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[kernel]\nsned = "1 us"', "[kernel] has no key 'sned'; did you mean 'send'?"),
        ("[kernal]", "a machine has no key or table 'kernal'; did you mean 'kernel'?"),
        ('[mpi]\nlink_rate = "1 GB/s"', "[mpi] has no key 'link_rate'; it belongs in [network]"),
        ("[kernel]\nsend = 5", '[kernel] send: 5 has no unit; write a duration such as "40 ns"'),
        (
            '[kernel]\nsend = "5"',
            '[kernel] send: "5" has no unit; write a duration such as "40 ns"',
        ),
        (
            '[network]\nlink_rate = "40 ns"',
            '[network] link_rate: "40 ns" is not a rate; write a rate such as "160 MB/s"',
        ),
        ('[node]\nmemory = "lots"', '[node] memory: "lots" is not a size; write a size such as'),
        ('[kernel]\nsend = "-1 ns"', '[kernel] send: "-1 ns" is negative'),
        ('[kernel]\nsend = "1 fs"', '[kernel] send: "1 fs" is too small to be counted in picosec'),
        ('[network]\nlink_rate = "0 B/s"', '[network] link_rate: "0 B/s" would take forever'),
        ("[node]\ncpus = 3", "[node] cpus: 3 is not between 1 and 2"),
        ('[node]\nmemory = "1 B"', '[node] memory: "1 B" is not between 64 KiB and 64 TiB'),
        ("[topology]\ndims = [4, 0]", "[topology] dims: 0 is not between 1 and"),
        ("[topology]\ndims = [1, 1]", "[service] nodes: no compute node is left of 1 nodes"),
        ("[topology]\nnodes = 1", "[topology] nodes: 1 nodes, but dims has no fixed number"),
        (
            "[topology]\ndims = [2, 3]\nnodes = 7",
            "[topology] nodes: 7 nodes, but dims has 6 places",
        ),
        ("[network]\ntiming = 3", "[network] timing: expected `str`, got `int`"),
        ("[node]\ncpus = true", "[node] cpus: expected `int`, got `bool`"),
        ("kernel = 3", "kernel: is a table; write [kernel]"),
        ("[mpi]\ncollectives = 3", "[mpi] collectives: expected `table`, got `int`"),
        (
            "[mpi.collectives]\nbcast = 3",
            "[mpi] collectives: bcast: 3 is neither an algorithm nor a list of rules",
        ),
        (
            "[mpi.collectives]\nbcast = [{algorithm = 'chain', bytes = -1}]",
            "[mpi] collectives: bcast: bytes: -1 is neither a size such as",
        ),
        (
            "[mpi.collectives]\nbcast = [{algorithm = 'chain', bytes = '8 furlongs'}]",
            "[mpi] collectives: bcast: bytes: ",
        ),
        (
            "[mpi.collectives]\nbcast = [{algorithm = true}]",
            "[mpi] collectives: bcast: a rule names no algorithm",
        ),
        ("[node]\ncpus =", "not TOML: "),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


def test_a_collective_has_an_algorithm_or_rules_to_choose_one_by() -> None:
    machine = decode(
        """
        [mpi.collectives]
        bcast = "linear"
        reduce = [{bytes = "8 KiB", ranks = 12, algorithm = "chain"}, {algorithm = "binomial"}]
        """,
        "m.toml",
    )
    assert machine.mpi.collectives == {
        "bcast": "linear",
        "reduce": (
            {"bytes": 8192, "ranks": 12, "algorithm": "chain"},
            {"algorithm": "binomial"},
        ),
    }


def test_a_run_may_choose_other_algorithms_than_its_machine() -> None:
    machine = decode('[mpi.collectives]\nbcast = "linear"\nscan = "linear"', "m.toml")
    other = machine.with_collectives({"bcast": [{"bytes": "1 KiB", "algorithm": "chain"}]})
    assert other.mpi.collectives == {
        "bcast": ({"bytes": 1024, "algorithm": "chain"},),
        "scan": "linear",
    }
    assert machine.with_collectives({}) is machine
    with pytest.raises(MachineFileError, match="bcast: 7 is neither an algorithm nor"):
        machine.with_collectives({"bcast": 7})


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers()), max_size=3))
def test_nothing_in_a_table_raises_anything_else(table: dict[str, Any]) -> None:
    lines = [f"{_toml(key)} = {_toml(value)}" for key, value in table.items()]
    for where in ("", "[topology]", "[kernel]", "[mpi]"):
        with suppress(MachineFileError):
            decode("\n".join([where, *lines]), "m.toml")


def _toml(value: object) -> str:
    if isinstance(value, str):
        escaped = "".join(f"\\U{ord(letter):08X}" for letter in value)
        return f'"{escaped}"'
    return str(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[topology]\nkind = "mesh4d"',
            "[topology] kind: no plugin offers the topology 'mesh4d'; did you",
        ),
        (
            '[network]\ntiming = "warp"',
            "[network] timing: no plugin offers the timing 'warp' (there is: cont",
        ),
        (
            '[pct]\npolicy = "singel"',
            "[pct] policy: no plugin offers the pct 'singel'; did you mean 'single",
        ),
        (
            '[service]\nallocator = "last"',
            "[service] allocator: no plugin offers the allocator 'last'",
        ),
        ("[topology]\ndims = [4, 4, 4]", "[topology] dims: a 2-D mesh has two"),
    ],
)
def test_what_no_plugin_offers_is_named(
    text: str, said: str, plugins: Plugins, tmp_path: Path
) -> None:
    file = tmp_path / "m.toml"
    file.write_text(text)
    with pytest.raises(MachineFileError) as caught:
        load(file, plugins)
    assert str(caught.value).startswith(f"{file}: {said}")


def test_an_unknown_machine_is_answered_with_the_nearest(plugins: Plugins) -> None:
    with pytest.raises(UnknownMachineError, match="'paragn'; did you mean 'paragon'"):
        load("paragn", plugins)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(
    content: bytes | None, plugins: Plugins, tmp_path: Path
) -> None:
    file = tmp_path / "m.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(VmppError, match=r"m\.toml: (No such file|not UTF-8)"):
        load(str(file), plugins)


def test_every_key_is_documented_with_default_and_bounds() -> None:
    documented = {(each.table, each.key): each for each in parameters()}
    hop = documented["network", "hop_latency"]
    assert (hop.default, hop.low, hop.high, hop.counted) == (
        "50 ns",
        "0 s",
        "1000 s",
        "picoseconds",
    )
    assert all(each.text for each in documented.values())
