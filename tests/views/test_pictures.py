"""Pictures of the machine: showmesh, the one that moves, and top."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vmpp.service.status import Activity, JobState, NodeState
from vmpp_shell.views.links import LinkUse
from vmpp_shell.views.picture import Picture
from vmpp_shell.views.showmesh import Showmesh
from vmpp_shell.views.top import Look, Top

MS = 10**9
NOW = 100 * MS


@pytest.fixture
def machine(fake):
    made = fake(13, 4)
    made.run([0, 1, 2, 4], distance=5 / 3)
    made.run([3, 5], user="bob", name="heat", command="heat --steps 3", start=98 * MS)
    made.run([], state=JobState.PENDING, start=None)
    made.change(6, state=NodeState.DOWN, activity=Activity.NONE)
    made.change(7, activity=Activity.NONE)
    made.change(8, state=NodeState.ALLOCATED, job=9, jobs=(9,), rank=0)
    made.change(0, activity=Activity.COMPUTE)
    made.change(3, activity=Activity.KERNEL)
    # The mesh has one place more than there are nodes.
    made.nodes[-1] = msgspec.structs.replace(made.nodes[-1], place=(3, 4), number=19)
    return made


class TestShowmesh:
    def test_the_legend_of_the_real_one(self, machine, draw):
        assert draw(Showmesh(machine.nodes, machine.jobs, NOW)) == (
            "  0 1 2 3\n"
            "0 a a a b\n"
            "1 a b X -\n"
            "2 + * * *\n"
            "3 * S S ?\n"
            "4 ? ? ? I\n"
            "\n"
            "S service node   I I/O node   * free   + allocated (no job yet)   - stale\n"
            "X dead   ? non-existent   a..z, aa.. jobs\n"
            "\n"
            "Available nodes: 4\n"
            "\n"
            "   Job ID  User   Size  Time  Distance  Command\n"
            "a       1  alice     4  90ms      1.67  ring.py 1\n"
            "b       2  bob       2   2ms            heat --steps 3\n"
        )

    def test_nodes_that_a_job_only_holds_have_a_sign_of_their_own(self, fake, draw):
        made = fake(13, 4)
        made.run([0, 1, 4])
        made.change(5, state=NodeState.ALLOCATED, job=1, jobs=(1,))
        lines = draw(Showmesh(made.nodes, made.jobs, NOW)).splitlines()
        assert lines[1:3] == ["0 a a * *", "1 a = * *"]
        assert any("= held without a rank" in line for line in lines)

    def test_jobs_that_share_nodes_stand_beside_each_other(self, fake, draw):
        made = fake(13, 4)
        made.run([0, 1, 2])
        made.run([1, 2, 3])
        lines = draw(Showmesh(made.nodes, made.jobs, NOW)).splitlines()
        assert lines[0] == "  0   1   2   3"
        assert lines[1] == "0 a   a/b a/b b"
        assert lines[2] == "1 *   *   *   *"

    def test_a_machine_without_jobs_has_no_table(self, fake, draw):
        assert draw(Showmesh(fake(13, 4).nodes, [], 0)).endswith("Available nodes: 13\n")

    def test_jobs_after_the_twenty_sixth_have_two_letters(self, fake, draw):
        made = fake(29, 8)
        for node in range(28):
            made.run([node])
        lines = draw(Showmesh(made.nodes, made.jobs, NOW)).splitlines()
        assert lines[0] == "  0  1  2  3  4  5  6  7"
        assert lines[1] == "0 a  b  c  d  e  f  g  h"
        assert lines[4] == "3 y  z  aa ab *  S  S  I"

    def test_columns_are_numbered_in_tens(self, fake, draw):
        lines = draw(Showmesh(fake(21, 12).nodes, [], 0)).splitlines()
        assert lines[:3] == [
            "  0                   1",
            "  0 1 2 3 4 5 6 7 8 9 0 1",
            "0 * * * * * * * * * * * *",
        ]

    @pytest.mark.parametrize(("columns", "width"), [(32, 80), (64, 80), (64, 200), (300, 80)])
    def test_it_fits_without_gaps_or_in_parts(self, fake, draw, columns, width):
        made = fake(columns * 2, columns)
        text = draw(Showmesh(made.nodes, [], 0), width)
        assert max(map(len, text.splitlines())) <= width
        body = text.partition("\n\nS service")[0]
        assert body.count("*") == columns * 2

    def test_nodes_without_places_stand_in_rows_by_number(self, fake, draw):
        lines = draw(Showmesh(fake(97, 4, "line").nodes, [], 0)).splitlines()
        assert [line.split()[0] for line in lines[2:6]] == ["0", "32", "64", "96"]
        assert lines[5] == "96 * S S I " + "? " * 27 + "?"

    def test_a_plane_that_would_be_very_slim_is_laid_in_rows_by_number(self, fake, draw):
        slim = fake(252, 4)
        lines = draw(Showmesh(slim.nodes, [], NOW)).splitlines()
        assert lines[2].split() == ["0"] + ["*"] * 32
        assert lines[3].split()[0] == "32"
        # One that is not so large stands as it is.
        lines = draw(Showmesh(fake(80, 4).nodes, [], NOW)).splitlines()
        assert lines[1].split() == ["0"] + ["*"] * 4

    def test_planes_of_three_dimensions_stand_side_by_side_while_they_fit(self, fake, draw):
        made = fake(45, 4, "cube")
        lines = draw(Showmesh(made.nodes, [], 0)).splitlines()
        assert lines[0] == "z = 0        z = 1        z = 2"
        assert lines[2] == "0 * * * *    0 * * * *    0 * * * *"
        lines = draw(Showmesh(made.nodes, [], 0), 24).splitlines()
        assert [line for line in lines if line.startswith("z")] == [
            "z = 0        z = 1",
            "z = 2",
        ]

    @given(
        st.integers(0, 200), st.integers(1, 60), st.integers(26, 220), st.integers(0, 40),
        st.sampled_from(["mesh", "line", "cube"]),
    )  # fmt: skip
    def test_every_machine_fits_and_no_node_is_left_out(
        self, fake, draw, compute, columns, width, running, places
    ):
        made = fake(compute, columns, places)
        for number in range(min(running, compute)):
            made.run([number])
        text = draw(Showmesh(made.nodes, made.jobs, NOW), width)
        assert max(map(len, text.splitlines())) <= width
        free = compute - min(running, compute)
        assert f"Available nodes: {free}" in text
        # One more is in the legend.
        assert text.count("*") == free + 1

    def test_colours_are_not_all_there_is(self, machine, draw):
        plain = draw(Showmesh(machine.nodes, machine.jobs, NOW))
        coloured = draw(Showmesh(machine.nodes, machine.jobs, NOW), color_system="256")
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


class TestPicture:
    def test_with_room_links_are_drawn_between_nodes(self, machine, draw):
        use = LinkUse({(0, 1): 1000, (0, 4): 500, (4, 5): 10}, MS)
        assert draw(Picture(machine.nodes, machine.jobs, NOW, use, heading="test")) == (
            "test   100ms\n"
            "0 a●█a○ a○ b◆\n"
            "  ▒\n"
            "1 a○░b○ X✗ -✗\n"
            "\n"
            "2 +· *· *· *·\n"
            "\n"
            "3 *· S· S· ?\n"
            "\n"
            "4 ?  ?  ?  I·\n"
            "\n"
            "● 1 compute   ◆ 1 kernel   ○ 4 waiting   · 8 idle   ✗ 2 down\n"
            "links: ░▒▓█ up to 1.00kB, between 0 and 1 (1.00MB/s)\n"
            "a     1 alice        4      90ms  ring.py  waiting 3 compute 1\n"
            "b     2 bob          2       2ms  heat  kernel 1 waiting 1\n"
        )

    def test_the_less_room_the_less_of_each_node(self, fake, draw):
        made = fake(397, 20)
        made.run(range(380))
        use = LinkUse({(0, 1): 1000}, MS)

        def lines(width, height, **settings):
            picture = Picture(made.nodes, made.jobs, NOW, use)
            return draw(picture, width, height, **settings).splitlines()

        assert lines(80, 60)[1][:9] == " 0 a○█a○ "
        assert lines(80, 30)[1][:7] == " 0 a○a○"
        assert lines(30, 30)[1][:7] == " 0 aaaa"
        assert lines(18, 30)[1] == "a" * 10
        assert "one character stands for 2 x 2 nodes" in lines(40, 18)
        shaded = re.sub(r"\x1b\[[\d;]*m", "", lines(80, 30, color_system="256")[1])
        assert shaded[:7] == " 0 a█a█"

    @pytest.mark.parametrize("places", ["mesh", "line", "cube"])
    @pytest.mark.parametrize("size", [(80, 24), (200, 50), (40, 12)])
    @pytest.mark.parametrize("compute", [5, 60, 1000, 5000])
    def test_every_machine_fits(self, fake, draw, places, size, compute):
        made = fake(compute, 64 if compute > 999 else 8, places)
        made.run(range(compute // 2))
        width, height = size
        text = draw(Picture(made.nodes, made.jobs, NOW), width, None)
        assert max(map(len, text.splitlines())) <= width
        text = draw(Picture(made.nodes, made.jobs, NOW), width, height)
        assert "compute" in text
        assert "alice" in text

    def test_a_terminal_of_ascii_alone(self, machine, draw):
        console = Console(file=io.TextIOWrapper(io.BytesIO(), "ascii"), width=80)
        use = LinkUse({(0, 1): 1000}, MS)
        console.print(Picture(machine.nodes, machine.jobs, NOW, use))
        console.file.flush()
        lines = console.file.buffer.getvalue().decode().splitlines()
        assert lines[1] == "0 a##a- a- bk"


class TestTop:
    def look(self, machine, host, now, jobs=None, **counters):
        return Look(host, now, machine.nodes, machine.jobs if jobs is None else jobs, counters)

    def test_rates_are_of_what_is_between_two_looks(self, machine, draw):
        before = self.look(machine, 1.0, 80 * MS, messages=1000, bytes=5000)
        later = [
            msgspec.structs.replace(machine.jobs[0], messages=20, bytes=4000, system_calls=2),
            *machine.jobs[1:],
        ]
        after = self.look(machine, 3.0, NOW, later, messages=5000, bytes=25000, lost=3)
        lines = draw(Top(before, after, heading="test")).splitlines()
        assert [*lines[:3], *lines[4:]] == [
            "test   100ms of virtual time, 0.01 s in a second of the host's",
            "5000 messages, 25.0kB, 3 lost; 2.00k messages in a second of the host's",
            "nodes: ● 1 compute   ◆ 1 kernel   ○ 4 waiting   · 5 idle   ✗ 2 down",
            "",
            "JOBID USER  ST NODES TIME COMPUTE KERNEL WAITING MSG/S BYTE/S CALL/S COMMAND",
            "    1 alice R      4 90ms     25%     0%     75% 1.00k  200kB    100 ring.py 1",
            "    2 bob   R      2  2ms      0%    50%     50%     0     0B      0 heat --step",
            "    3 alice PD     4   0s       -      -       -     0     0B      0 ring.py 3",
        ]

    def test_the_bar_is_divided_as_the_nodes_are(self, machine, draw):
        look = self.look(machine, 1.0, NOW)
        bar = draw(Top(None, look)).splitlines()[3]
        assert len(bar) == 79
        assert bar.count("█") == 79 - bar.count(".")
        assert bar.count(".") == pytest.approx(79 * 5 / 13, abs=1)

    def test_without_an_earlier_look_there_are_no_rates(self, machine, draw):
        lines = draw(Top(None, self.look(machine, 1.0, NOW, messages=7))).splitlines()
        assert lines[0] == "100ms of virtual time"
        assert lines[1] == "7 messages, 0B"

    def test_jobs_that_do_not_fit_are_counted(self, fake, draw):
        made = fake(60, 8)
        for node in range(40):
            made.run([node])
        lines = draw(Top(None, self.look(made, 1.0, NOW)), 80, 24).splitlines()
        assert len(lines) <= 24
        assert "and 23 more" in [line.strip() for line in lines]
