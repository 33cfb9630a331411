"""^C at the host's terminal is for the job in the foreground, and ends what would follow."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VMPP = Path(sys.executable).with_name("vmpp")


@contextmanager
def shell(folder: Path, program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    (folder / "program.py").write_text(program)
    with subprocess.Popen(
        [VMPP, "--ephemeral", *arguments],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def struck(process: subprocess.Popen[str], times: int = 1) -> tuple[str, str]:
    """Wait for the first line of output, strike ^C and return what is printed after that."""
    assert process.stdout is not None
    for _ in range(times):
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
    # Its input stays open: the end of that would end it as well.
    process.wait(timeout=60)
    out, err = process.communicate()
    return out, err


def test_the_first_one_is_sigterm(tmp_path: Path) -> None:
    program = "import time\nprint('here', flush=True)\nwhile True: time.sleep(1e-3)\n"
    line = "yod -n 2 /host/program.py; echo never"
    with shell(tmp_path, program, "-c", line) as process:
        out, err = struck(process)
        assert "never" not in out
        assert err == ""
        assert process.returncode == 128 + signal.SIGTERM


def test_the_second_one_is_sigkill(tmp_path: Path) -> None:
    program = (
        "import signal, time\nsignals = []\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))\n"
        "print('here', flush=True)\nwhile not signals: time.sleep(1e-3)\n"
        "print('still here', flush=True)\nwhile True: time.sleep(1e-3)\n"
    )
    with shell(tmp_path, program, "-c", "yod /host/program.py") as process:
        struck(process, times=2)
        assert process.returncode == 128 + signal.SIGKILL


def test_a_process_that_lets_nobody_run_is_ended_all_the_same(tmp_path: Path) -> None:
    program = "print('here', flush=True)\nwhile True: pass\n"
    with shell(tmp_path, program, "-c", "yod /host/program.py") as process:
        _, err = struck(process)
        assert "computes without end; the watchdog stopped it" in err
        assert process.returncode != 0


def test_other_commands_are_given_up(tmp_path: Path) -> None:
    program = "import time\nprint('here', flush=True)\nwhile True: time.sleep(1e-3)\n"
    line = "yod /host/program.py & sleep 1000000s; echo never"
    with shell(tmp_path, program, "-c", line) as process:
        out, _ = struck(process)
        assert "never" not in out
        assert process.returncode == 128 + signal.SIGINT


def test_a_script_that_nobody_goes_on_with_is_given_up(tmp_path: Path) -> None:
    with shell(tmp_path, "") as process:
        assert process.stdin is not None
        process.stdin.write("echo here\n")
        process.stdin.flush()
        struck(process)
        assert process.returncode == 128 + signal.SIGINT
