"""The plugin for pytest, as the tests of a project that uses it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from vmpp.scenario import suite

from .conftest import toy_shell

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]


class _Modules:
    """Keeps what inner runs of pytest have loaded, of which pytester would forget the libraries.

    They would be loaded a second time, and not know of what the first ones keep.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, ModuleType] = {}

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        folder = str(config.rootpath)
        for name, module in list(sys.modules.items()):
            if not (getattr(module, "__file__", None) or "").startswith(folder):
                self._loaded[name] = module

    def restore(self) -> None:
        for name, module in self._loaded.items():
            sys.modules.setdefault(name, module)


@pytest.fixture(autouse=True)
def modules() -> Iterator[_Modules]:
    """What inner runs load; as it is set up before pytester, it has the last word."""
    kept = _Modules()
    yield kept
    kept.restore()


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, modules: _Modules) -> Run:
    """Return what runs pytest in a folder of its own."""
    # What the inner run declares of its terminal must not depend on the outer one's.
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments, plugins=[modules])

    return run


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a toy for a shell."""
    monkeypatch.setattr(suite, "interpreter", toy_shell)


@pytest.mark.usefixtures("toy")
class TestScenarios:
    def test_files_are_collected_and_replayed(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makefile(".vmpp", good="vmpp> echo a\na\n", bad="vmpp> echo a\nb\n")
        pytester.makefile(".md", page="```vmpp\nvmpp> echo a\nb\n```\n")
        result = run()
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            ["*_ bad _*", "--- *bad.vmpp (expected)", "+++ *", "@@ *", " vmpp> echo a", "-b", "+a"]
        )
        result.stdout.no_fnmatch_line("*Error*")
        result.stdout.no_fnmatch_line("*suite.py*")

    def test_pages_are_collected_if_wanted(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makefile(
            ".md", page="```vmpp\nvmpp> echo a\na\n```\n```vmpp new\nvmpp> echo b\n```"
        )
        result = run("--vmpp-pages", "-v")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["*page.md::page-1 PASSED*", "*page.md::page-2 FAILED*"])

    def test_what_differs_can_be_accepted(self, pytester: pytest.Pytester, run: Run) -> None:
        path = pytester.makefile(".vmpp", it="vmpp> echo a\nb\n")
        run("--vmpp-update").assert_outcomes(passed=1)
        assert path.read_text() == "vmpp> echo a\na\n"

    def test_scenarios_go_with_trio_for_all_tests(
        self, pytester: pytest.Pytester, run: Run
    ) -> None:
        pytester.makeini("[pytest]\ntrio_mode = true")
        pytester.makefile(".vmpp", it="vmpp> echo a\na\n")
        pytester.makepyfile("async def test_it(): pass")
        run().assert_outcomes(passed=2)

    def test_what_cannot_be_read_is_named(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makefile(".vmpp", it="sed: 1\nvmpp> echo a\nb\n")
        result = run()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*it.vmpp:1: 'sed' is no directive; did you mean 'seed'?"])

    def test_what_ends_a_replay_is_shown(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makefile(".vmpp", it="timeout: 0.01\nvmpp> hang\n")
        run().stdout.fnmatch_lines(["*it.vmpp:2: 'hang' has not ended after 0.01 s"])


class TestOnRanks:
    def test_a_marked_test_runs_on_ranks(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makepyfile(
            """
            import pytest
            from mpi4py import MPI

            @pytest.mark.vmpp(nprocs=4)
            def test_sum():
                assert MPI.COMM_WORLD.allreduce(MPI.COMM_WORLD.rank) == 6

            def test_other():
                pass
            """
        )
        run().assert_outcomes(passed=2)

    def test_an_assertion_fails_the_test_with_the_ranks_own_traceback(
        self, pytester: pytest.Pytester, run: Run
    ) -> None:
        pytester.makepyfile(
            """
            import pytest

            def check(value):
                assert value < 2

            @pytest.mark.vmpp(nprocs=4, machine="paragon")
            def test_it():
                from mpi4py import MPI
                check(MPI.COMM_WORLD.rank)
            """
        )
        result = run()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "    def test_it():",
                ">       check(MPI.COMM_WORLD.rank)",
                "value = 2",
                ">       assert value < 2",
                "E       assert 2 < 2",
                "E       on rank 2 of 4, node paragon-n00002; rank 3 failed as well",
                "*FAILED *::test_it - assert 2 < 2",
            ]
        )
        result.stdout.no_fnmatch_line("*ranks.py*")
        result.stdout.no_fnmatch_line("*booted.py*")

    def test_other_ranks_that_fail_are_named(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makepyfile(
            """
            import pytest
            from mpi4py import MPI

            @pytest.mark.vmpp(nprocs=4)
            def test_it():
                MPI.COMM_WORLD.Barrier()
                assert MPI.COMM_WORLD.rank == 2
            """
        )
        run().stdout.fnmatch_lines(["E * on rank * of 4, node default-n*; rank* failed as well"])

    def test_what_ranks_keep_in_modules_is_their_own(
        self, pytester: pytest.Pytester, run: Run
    ) -> None:
        pytester.makepyfile(helper="seen = []")
        pytester.makepyfile(
            """
            import helper
            import pytest
            from mpi4py import MPI

            seen = []

            @pytest.mark.vmpp(nprocs=3)
            def test_it():
                MPI.COMM_WORLD.Barrier()
                for each in (seen, helper.seen):
                    each.append(MPI.COMM_WORLD.rank)
                    assert each == [MPI.COMM_WORLD.rank]

            def test_host():
                assert seen == helper.seen == []
            """
        )
        run().assert_outcomes(passed=2)

    def test_fixtures_parameters_and_classes_work(
        self, pytester: pytest.Pytester, run: Run
    ) -> None:
        pytester.makepyfile(
            """
            import pytest
            from mpi4py import MPI

            @pytest.fixture
            def factor():
                return 3

            @pytest.mark.vmpp(nprocs=2)
            class TestIt:
                @pytest.mark.parametrize("n", [1, 2])
                def test_it(self, factor, n, tmp_path):
                    (tmp_path / str(MPI.COMM_WORLD.rank)).write_text("x")
                    MPI.COMM_WORLD.Barrier()
                    assert len(list(tmp_path.iterdir())) == 2
                    assert factor * n in (3, 6)

                @pytest.mark.vmpp(nprocs=3)
                def test_nearer_marker(self):
                    assert MPI.COMM_WORLD.size == 3
            """
        )
        run().assert_outcomes(passed=3)

    def test_hypothesis_draws_examples_for_all_ranks(
        self, pytester: pytest.Pytester, run: Run
    ) -> None:
        pytester.makepyfile(
            """
            import pytest
            from hypothesis import given, settings
            from hypothesis import strategies as st
            from mpi4py import MPI

            numbers = st.lists(st.integers(), min_size=1, max_size=3)

            @pytest.mark.vmpp(nprocs=2)
            @settings(max_examples=5, database=None, deadline=None, derandomize=True)
            @given(numbers)
            def test_it(values):
                assert MPI.COMM_WORLD.allgather(values) == [values] * 2

            @pytest.mark.vmpp(nprocs=2)
            class TestIt:
                @settings(max_examples=5, database=None, deadline=None, derandomize=True)
                @given(numbers=numbers)
                def test_it(self, numbers):
                    assert len(MPI.COMM_WORLD.bcast(numbers)) < 2
            """
        )
        result = run()
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["E*assert 2 < 2*", "E*numbers=[[]0, 0],"])

    def test_a_rank_may_skip_the_test(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makepyfile(
            """
            import pytest

            @pytest.mark.vmpp(nprocs=2)
            def test_it():
                from mpi4py import MPI
                if MPI.COMM_WORLD.rank == 1:
                    pytest.skip("not here")
            """
        )
        run().assert_outcomes(skipped=1)

    def test_a_deadlock_is_reported_as_such(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makepyfile(
            """
            import pytest
            from mpi4py import MPI

            @pytest.mark.vmpp(nprocs=2)
            def test_it():
                MPI.COMM_WORLD.recv()
            """
        )
        result = run()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "deadlock after * 2 of 2 ranks still wait:",
                "  ranks 0-1 in *recv*",
                "*MPI.COMM_WORLD.recv()",
            ]
        )
        result.stdout.no_fnmatch_line("*Traceback*")
        result.stdout.no_fnmatch_line("*During handling*")

    def test_what_ranks_print_is_captured(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makepyfile(
            """
            import pytest

            @pytest.mark.vmpp(nprocs=2)
            def test_it():
                print("said by a rank")
                assert False
            """
        )
        run().stdout.fnmatch_lines(["*Captured stdout call*", "said by a rank", "said by a rank"])

    def test_runs_are_repeatable_and_have_seeds(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makepyfile(
            """
            import random
            import pytest

            @pytest.mark.vmpp(seed=5)
            @pytest.mark.parametrize("n", [1, 2])
            def test_it(n):
                print("drawn", random.random())
            """
        )
        drawn = [line for line in run("-s").outlines if "drawn" in line]
        assert len(drawn) == 2
        assert len({line.rpartition("drawn")[2] for line in drawn}) == 1

    @pytest.mark.parametrize(
        ("marker", "message"),
        [
            ("nproc=2", "the marker vmpp has no 'nproc'; did you mean 'nprocs'?"),
            ("nprocs='2'", "the marker vmpp takes a whole number as nprocs, not '2'"),
            ("seed=1.5", "the marker vmpp takes a whole number as seed, not 1.5"),
            ("8", "the marker vmpp takes no positional arguments: write nprocs=8"),
            ("machine='paragn'", "*no machine is called 'paragn'; did you mean 'paragon'? *"),
        ],
    )
    def test_a_wrong_marker_is_named(
        self, pytester: pytest.Pytester, run: Run, marker: str, message: str
    ) -> None:
        pytester.makepyfile(
            f"""
            import pytest

            @pytest.mark.vmpp({marker})
            def test_it():
                pass
            """
        )
        result = run()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([message])
        result.stdout.no_fnmatch_line("*Traceback*")
        result.stdout.no_fnmatch_line("*During handling*")


class TestTheFixture:
    def test_programs_and_functions_run_on_one_machine(
        self, pytester: pytest.Pytester, run: Run
    ) -> None:
        pytester.makepyfile(hello="from mpi4py import MPI\nprint(MPI.COMM_WORLD.rank)")
        pytester.makepyfile(
            """
            import sys
            import pytest
            from mpi4py import MPI

            def scaled(factor):
                return MPI.COMM_WORLD.rank * factor

            @pytest.mark.vmpp(machine="paragon", seed=3)
            def test_it(machine):
                result = machine.run("hello.py", 3)
                assert (result.status, result.stdout) == (0, b"0\\n1\\n2\\n")
                before = machine.machine.engine.now
                assert machine.call(scaled, 3, factor=2) == [0, 2, 4]
                assert machine.machine.engine.now > before
                assert machine.call(lambda: MPI.Get_processor_name(), 1) == ["paragon-n00000"]

            @pytest.mark.parametrize(
                "machine", ["paragon", {"machine": "default", "nodes": 2}], indirect=True
            )
            def test_parametrized(machine):
                assert machine.machine.description.compute_nodes in (2, 1840)

            def test_a_crash(machine):
                machine.fault("node 1 crash at 1 us")
                assert machine.run("hello.py", 2).status == 137
            """
        )
        run().assert_outcomes(passed=4)

    def test_what_a_function_raises_comes_out(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makepyfile(
            """
            import pytest
            from vmpp.scenario.booted import RanksFailedError

            def broken():
                raise KeyError("x")

            def gone():
                import os
                os._exit(4)

            def test_it(machine):
                with pytest.raises(KeyError, match="x"):
                    machine.call(broken, 2)
                with pytest.raises(RanksFailedError, match="rank 0 ended with exit status 4"):
                    machine.call(gone, 1)
                assert machine.call(len, 1, "abc") == [3]
            """
        )
        run().assert_outcomes(passed=1)

    def test_a_project_may_have_a_fixture_of_that_name(
        self, pytester: pytest.Pytester, run: Run
    ) -> None:
        pytester.makepyfile(
            """
            import pytest
            from mpi4py import MPI

            @pytest.fixture
            def machine():
                return "mine"

            @pytest.mark.vmpp(nprocs=3)
            def test_it(machine):
                assert (machine, MPI.COMM_WORLD.size) == ("mine", 3)
            """
        )
        run().assert_outcomes(passed=1)

    def test_it_leaves_nothing_behind(self, pytester: pytest.Pytester, run: Run) -> None:
        pytester.makeini("[pytest]\ntrio_mode = true")
        pytester.makepyfile(
            """
            import sys
            import threading
            import time
            import trio
            import vmpp

            real = time.sleep
            # Those of tests before, which wait for a while whether there is more to do.
            threads = threading.active_count()

            def test_before(machine):
                assert time.sleep is not real
                assert 946684800 < machine.call(time.time, 1)[0] < 946684801

            async def test_after():
                assert time.sleep is real
                assert threading.active_count() <= threads
                async with vmpp.boot(nodes=1) as machine:
                    assert machine.engine.now == 0

            def test_that_fails(machine):
                machine.machine.shut_down()
                raise KeyError
            """
        )
        run().assert_outcomes(passed=2, failed=1)


def test_the_marker_chooses_policies(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.vmpp(nodes=2, policies={"timing": "wormhole"}, level=3)
        def test_chosen(machine):
            assert machine.machine.policies["timing"] == "wormhole"
            assert machine.machine.description.pct.level == 3

        @pytest.mark.vmpp(nprocs=2, policies={"timing": "wormhloe"})
        def test_mistaken():
            pass

        @pytest.mark.vmpp(nprocs=2, level="high")
        def test_level():
            pass
        """
    )
    result = run()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "the machine cannot be booted: no plugin offers the timing 'wormhloe'; did you mean *",
            "the marker vmpp takes a whole number as level, not 'high'",
        ]
    )


def test_the_plugin_costs_a_project_nothing_that_does_not_use_it(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert not [name for name in sys.modules if name.startswith(("vmpp.machine", "numpy"))]
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
