"""Slurm's tables: squeue, sinfo, sacct, and the list of nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.service.status import Activity, JobState, NodeState
from vmpp_shell.tables import table
from vmpp_shell.views import jobs, nodes, sacct, sinfo, squeue
from vmpp_shell.views.fields import FormatError
from vmpp_shell.views.listing import Column, Listing
from vmpp_shell.views.picture import Picture
from vmpp_shell.views.showmesh import Showmesh
from vmpp_shell.views.top import Look, Top

MS = 10**9
NOW = 100 * MS


@pytest.fixture
def machine(fake):
    made = fake(9, 4)
    made.run([0, 1, 2])
    made.run([3, 5], user="bob", uid=1001, name="/images/heat", command="heat --steps 3")
    made.run([], user="bob", uid=1001, state=JobState.PENDING, start=None, reason="Resources")
    made.run(
        [0, 1], name="old", state=JobState.COMPLETED, end=45 * MS, exit=0,
        messages=12, bytes=3400, system_calls=7,
    )  # fmt: skip
    made.run([7], state=JobState.CANCELLED, end=51 * MS, exit=143, signal=15)
    made.change(6, state=NodeState.DOWN, activity=Activity.NONE)
    made.change(8, activity=Activity.NONE)
    return made


class TestSqueue:
    def test_who_waits_and_runs(self, machine, draw):
        table = squeue.squeue(squeue.select(machine.jobs), NOW, machine.name)
        assert draw(table).splitlines() == [
            "JOBID PARTITION NAME    USER  ST TIME NODES NODELIST(REASON)",
            "    3 compute   ring.py bob   PD   0s     4 (Resources)",
            "    1 compute   ring.py alice R  90ms     3 test-n[00000-00002]",
            "    2 compute   heat    bob   R  80ms     2 test-n[00003,00005]",
        ]

    @pytest.mark.parametrize("view", ["squeue", "sacct", "showmesh", "top", "live", "jobs"])
    @given(name=st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Cs"]), min_size=1))
    def test_what_others_call_their_jobs_does_nothing_to_a_terminal(self, fake, draw, view, name):
        made = fake(4, 2)
        job = made.run([0], name=f"a{name}b", command=f"a{name}b 1")
        what = {
            "squeue": lambda: squeue.squeue([job], NOW, made.name),
            "sacct": lambda: sacct.sacct([job], NOW, made.name),
            "showmesh": lambda: Showmesh(made.nodes, [job], NOW),
            "top": lambda: Top(
                None, Look(host=1.0, now=NOW, nodes=made.nodes, jobs=[job], counters={})
            ),
            "live": lambda: Picture(made.nodes, [job], NOW),
            "jobs": lambda: table(("NAME",), [(job.name,)]),
        }[view]()
        text = draw(what, 300)
        assert f"a{'?' * len(name)}b" in text
        assert all(line.isprintable() for line in text.split("\n"))

    def test_it_looks_the_same_where_there_is_more_room(self, machine, draw):
        table = squeue.squeue(squeue.select(machine.jobs), NOW, machine.name)
        assert draw(table, 200) == draw(table, 80)

    def test_a_narrow_terminal_folds_the_list_of_nodes_at_commas(self, fake, draw):
        made = fake(200, 20)
        made.run(range(0, 200, 3))
        table = squeue.squeue(made.jobs, NOW, made.name)
        lines = draw(table, 80).splitlines()
        assert max(map(len, lines)) <= 80
        joined = lines[1] + "".join(line.strip() for line in lines[2:])
        assert joined.endswith(jobs.node_list(made.jobs[0], made.name))
        assert all(line.endswith(",") for line in lines[1:-1])
        (whole,) = draw(table, 2000).splitlines()[1:]
        assert len(whole) > 400

    @pytest.mark.parametrize(
        ("asked", "ids"),
        [
            ({"users": ["bob"]}, [3, 2]),
            ({"ids": [1, 5]}, [1]),
            ({"names": ["heat"]}, [2]),
            ({"states": jobs.states("all")}, [3, 1, 2, 4, 5]),
            ({"states": jobs.states("cd,CANCELLED")}, [4, 5]),
            ({"states": jobs.states("pending"), "users": ["alice"]}, []),
        ],
    )
    def test_selections(self, machine, asked, ids):
        assert [job.id for job in squeue.select(machine.jobs, **asked)] == ids

    def test_columns_of_ones_own(self, machine, draw):
        chosen = squeue.select(machine.jobs, ids=[2])
        table = squeue.squeue(chosen, NOW, machine.name, layout="%.6i %6j|%.3u %T %S", header=False)
        assert draw(table) == "     2 heat   bob RUNNING 20ms\n"

    def test_what_is_too_wide_for_its_column_is_cut(self, machine, draw):
        chosen = squeue.select(machine.jobs, ids=[1])
        table = squeue.squeue(chosen, NOW, machine.name, layout="%.4j %3u", header=False)
        assert draw(table) == "ring ali\n"

    def test_columns_there_are_not(self, machine):
        with pytest.raises(FormatError, match=r"there is no column %X; there are %C CPUS, "):
            squeue.squeue([], NOW, machine.name, layout="%i %X")
        with pytest.raises(FormatError, match='"JobID" names no column'):
            squeue.squeue([], NOW, machine.name, layout="JobID")

    def test_states_there_are_not(self):
        with pytest.raises(
            jobs.StateError, match="jobs are never 'runing'; did you mean 'RUNNING'"
        ):
            jobs.states("runing")

    @pytest.mark.parametrize("state", list(JobState))
    def test_every_state_has_two_names(self, state):
        assert jobs.states(state.value) == {state} == jobs.states(jobs.WORDS[state].lower())


class TestSinfo:
    def test_partitions_by_state(self, machine, draw):
        assert draw(sinfo.sinfo(machine.nodes)).splitlines() == [
            "PARTITION AVAIL TIMELIMIT NODES STATE NODELIST",
            "compute*  up     infinite     5 alloc test-n[00000-00003,00005]",
            "compute*  up     infinite     2 idle  test-n[00004,00007]",
            "compute*  up     infinite     1 down  test-n00006",
            "compute*  up     infinite     1 idle* test-n00008",
            "service   up     infinite     2 resv  test-n[00009-00010]",
            "io        up     infinite     1 resv  test-n00011",
        ]

    def test_one_line_a_node(self, machine, draw):
        chosen = sinfo.select(machine.nodes, partitions=["compute"])
        lines = draw(sinfo.sinfo(chosen, layout=sinfo.BY_NODE, each=True)).splitlines()
        assert lines[0] == "NODELIST    NODES PARTITION STATE"
        assert lines[1] == "test-n00000     1 compute*  alloc"
        assert len(lines) == 10

    def test_a_summary(self, machine, draw):
        assert draw(sinfo.sinfo(machine.nodes, layout=sinfo.SUMMARY)).splitlines() == [
            "PARTITION AVAIL TIMELIMIT NODES(A/I/O/T) NODELIST",
            "compute*  up     infinite        5/2/2/9 test-n[00000-00008]",
            "service   up     infinite        0/0/2/2 test-n[00009-00010]",
            "io        up     infinite        0/0/1/1 test-n00011",
        ]

    def test_by_states(self, machine):
        assert [node.number for node in sinfo.select(machine.nodes, states=["down"])] == [6]
        assert [node.number for node in sinfo.select(machine.nodes, states=["IDLE"])] == [4, 7, 8]


class TestSacct:
    def test_the_usual_columns(self, machine, draw):
        table = sacct.sacct(sacct.select(machine.jobs), NOW, machine.name)
        assert draw(table).splitlines() == [
            "JobID JobName Partition Account AllocCPUS State     ExitCode",
            "----- ------- --------- ------- --------- --------- --------",
            "1     ring.py compute   alice           3 RUNNING        0:0",
            "2     heat    compute   bob             2 RUNNING        0:0",
            "3     ring.py compute   bob             0 PENDING        0:0",
            "4     old     compute   alice           2 COMPLETED      0:0",
            "5     ring.py compute   alice           1 CANCELLED     0:15",
        ]

    def test_for_programs(self, machine, draw):
        chosen = sacct.select(machine.jobs, ids=[4])
        table = sacct.sacct(
            chosen,
            NOW,
            machine.name,
            layout="jobid,user,elapsed,nodelist,messages,bytes,systemcalls,submit,start,end",
            delimiter="|",
        )
        assert draw(table, 300).splitlines() == [
            "JobID|User|Elapsed|NodeList|Messages|Bytes|SystemCalls|Submit|Start|End",
            "4|alice|5ms|test-n[00000-00001]|12|3400|7|20ms|40ms|45ms",
        ]

    def test_widths(self, machine, draw):
        chosen = sacct.select(machine.jobs, ids=[4])
        table = sacct.sacct(
            chosen, NOW, machine.name, layout="JobName%6,State%-12,User", header=False
        )
        assert draw(table) == "   old COMPLETED    alice\n"

    @pytest.mark.parametrize(
        ("asked", "ids"),
        [
            ({"users": ["bob"]}, [2, 3]),
            ({"states": jobs.states("F,CA")}, [5]),
            ({"begin": 50 * MS}, [1, 2, 3, 5]),
            ({"end": 16 * MS}, [1, 2, 3]),
            ({"begin": 46 * MS, "end": 30 * MS}, [1, 2, 3, 5]),
        ],
    )
    def test_selections(self, machine, asked, ids):
        assert [job.id for job in sacct.select(machine.jobs, **asked)] == ids

    def test_columns_there_are_not(self, machine):
        with pytest.raises(
            FormatError, match="there is no column 'JobNam'; did you mean 'JobName'"
        ):
            sacct.sacct([], NOW, machine.name, layout="JobNam")
        with pytest.raises(FormatError, match='"%%" is no column'):
            sacct.sacct([], NOW, machine.name, layout="%%")

    def test_all_columns_are_listed_and_can_be_asked_for(self, machine, draw):
        listed = sacct.help_format(machine.name).split()
        table = sacct.sacct(machine.jobs, NOW, machine.name, layout=",".join(listed))
        assert draw(table, 1000).split("\n")[0].split() == listed


class TestNodes:
    def test_one_line_each(self, machine, draw):
        machine.change(5, memory_used=17 << 20, activity=Activity.COMPUTE)
        lines = draw(nodes.listing(machine.nodes[:9])).splitlines()
        assert lines[0] == ("NODE NAME        PARTITION PLACE STATE JOB RANK ACTIVITY     MEMORY")
        assert lines[6] == ("   5 test-n00005 compute     1,1 busy    2    1 compute  17MiB/1GiB")
        assert lines[9] == ("   8 test-n00008 compute     0,2 stale          down        0B/1GiB")

    def test_servers_have_a_column_where_there_are_any(self, machine, draw):
        lines = draw(nodes.listing(machine.nodes), 100).splitlines()
        assert lines[0].endswith("MEMORY SERVERS")
        assert lines[10].endswith("idle     0B/1GiB files,yod")
        narrow = draw(nodes.listing(machine.nodes), 70).splitlines()
        assert "        files,yod" in narrow


class TestListings:
    @given(
        st.lists(st.tuples(st.text("ab,é漢", max_size=30), st.text("xy,", max_size=60))),
        st.integers(60, 130),
    )
    def test_nothing_of_the_last_column_is_lost_by_folding(self, draw, rows, width):
        columns = [Column("A", lambda row: row[0]), Column("B", lambda row: row[1])]
        drawn = draw(Listing(columns, rows, header=False), width)
        if width >= 61 + 2 * 30:
            assert len(drawn.splitlines()) == len(rows)
        for character in "xy":
            assert drawn.count(character) == sum(text.count(character) for _, text in rows)

    def test_a_column_may_be_cut_instead(self, draw):
        columns = [Column("A", str), Column("B", lambda row: "x" * 60)]
        assert draw(Listing(columns, [1], fold=False), 40) == "A B\n1 " + "x" * 38 + "\n"
