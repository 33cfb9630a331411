"""Calls of NX about partitions; what partitions are is tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def mesh(tmp_path: Path) -> str:
    """Describe a small mesh of eight columns, with I/O nodes, and return where its file is."""
    path = tmp_path / "mesh.toml"
    path.write_text("[topology]\ndims = [8, 4]\n[service]\nio_nodes = 6\n")
    return str(path)


def test_partitions_are_made_changed_told_of_and_removed(run: Run, mesh: str) -> None:
    run(
        """
        import errno as system, os
        assert nx_mkpart("night", 4, NX_SPS) == 4
        assert nx_mkpart_rect("night.square", 1, 2, NX_GANG) == 2
        assert nx_mkpart_map(".compute.day", 3, [5, 7, 6], NX_STD) == 3
        assert _nx_mkpart("night", 4, NX_SPS) == -1 and errno == system.EEXIST
        assert _nx_mkpart("none.inner", 4, NX_SPS) == -1 and errno == system.ENOENT
        assert _nx_mkpart("large", 10**6, NX_SPS) == -1 and errno == system.ENXIO
        assert _nx_mkpart("odd", 4, 7) == -1 and errno == EQPARAM

        told = nx_part_info_t()
        assert nx_part_attr("night", told).nodes == told.nodes == 4
        assert (told.sched, told.access, told.epl, told.uid) == (NX_SPS, 0o755, 10, os.getuid())
        nx_chpart_epl("night", 3)
        nx_chpart_mod("night", 0o750)
        nx_chpart_rq("night", 20)
        nx_chpart_owner("night", -1, -1)
        told = nx_part_attr("night")
        assert (told.epl, told.access, told.sched, told.rq) == (3, 0o750, NX_GANG, 20)
        nx_chpart_sched("night", NX_STD)
        assert nx_part_attr("night").sched == NX_STD
        square = nx_part_attr("night.square")
        assert (square.mesh_x, square.mesh_y, square.sched) == (2, 1, NX_GANG)
        nx_chpart_name("day", "noon")
        assert nx_part_attr("noon").nodes == 3
        assert _nx_part_attr("day") == -1 and errno == system.ENOENT

        wanted = NX_ATTR_RECT, 1, 2, NX_ATTR_RQ, 7, NX_ATTR_EPL, 4, NX_ATTR_MOD, 0o700, NX_ATTR_END
        assert nx_mkpart_attr("dawn", *wanted) == 2
        told = nx_part_attr("dawn")
        assert (told.sched, told.rq, told.epl, told.access) == (NX_GANG, 7, 4, 0o700)
        assert _nx_mkpart_attr("dusk", NX_ATTR_RQ, 0) == -1 and errno == EQPARAM
        nx_rmpart("dawn", 0, 0)
        assert _nx_rmpart("night", 0, 0) == -1 and errno == system.ENOTEMPTY
        nx_rmpart("night", 0, 1)
        nx_rmpart("noon", 0, 0)
        assert _nx_part_attr("night.square") == -1
        """,
        nprocs=1,
        machine=mesh,
    )


def test_an_application_has_nodes_of_the_partition_that_it_names(run: Run, mesh: str) -> None:
    run(
        """
        nx_mkpart_map("odd", 3, [5, 7, 9], NX_SPS)
        assert nx_initve("odd", 0, "", None, None) == 3
        nodes = []
        nx_app_nodes(0, nodes, None)
        assert nodes == [5, 7, 9]
        assert nx_part_attr("odd").free_nodes == 0
        """,
        nprocs=1,
        machine=mesh,
    )


def test_the_applications_in_a_partition_are_told_of(run: Run, mesh: str) -> None:
    run(
        """
        found, count = ["rubbish"], [9]
        nx_mkpart("empty", 2, NX_SPS)
        nx_pspart("empty", found, count)
        assert (found, count) == ([], [0])
        """,
        nprocs=1,
        machine=mesh,
    )
