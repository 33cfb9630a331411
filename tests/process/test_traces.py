"""Reports show the program's own frames, and libraries between them, but not the machine's."""

from __future__ import annotations

import subprocess
import sys

FAILING = (
    "import json\nimport helper\n"
    "def outer():\n    helper.inner(lambda: json.loads('{'))\n"
    "try:\n    outer()\nexcept ValueError as error:\n    raise KeyError('k') from error\n"
)
HELPER = "def inner(call):\n    return call()\n"


def test_the_traceback_is_that_of_python(run_ranks, folder):
    (rank,) = run_ranks(FAILING, ranks=1, modules={"helper.py": HELPER}, fails=True)
    real = subprocess.run(
        [sys.executable, "-B", "program.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert rank.failure.text == real.stderr
    assert rank.failure.status == 1


def test_a_module_that_fails_while_it_is_imported_shows_no_import_system(run_ranks, folder):
    (rank,) = run_ranks("import broken", ranks=1, modules={"broken.py": "1 / 0"}, fails=True)
    assert "importlib" not in rank.failure.text
    assert f'File "{folder}/broken.py", line 1' in rank.failure.text


def test_a_missing_module_is_named(run_ranks):
    (rank,) = run_ranks("import nowhere.at_all", ranks=1, fails=True)
    assert rank.failure.text.endswith("ModuleNotFoundError: No module named 'nowhere'\n")
    assert "vmpp" not in rank.failure.text


def test_a_parked_rank_is_at_its_own_line(folder, new_machine):
    from vmpp.process import Interposition, Program

    (folder / "program.py").write_text("import helper\nhelper.rest()\n")
    (folder / "helper.py").write_text("import time\ndef rest():\n    time.sleep(9)  # here\n")
    with Interposition():
        machine = new_machine()
        ranks = machine.launch(Program.script("program.py", (), str(folder)), 3)
        machine.engine.step(3)
        for rank in ranks:
            frame = rank.space.user_frame(rank.fiber.gr_frame)
            assert rank.space.lines(frame) == (
                f"{folder}/helper.py",
                3,
                "time.sleep(9)  # here",
            )
        machine.run()
