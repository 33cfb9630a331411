"""What all ranks together move in a second of the machine's time, by the number of I/O nodes.

python -m benchmarks.io_nodes [--picture FILE.svg]

The same every time and on every host: nothing of it is the host's time.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from math import log2
from pathlib import Path

import vmpp

HERE = Path(__file__).resolve().parent
FACTORS = (1, 2, 4, 8, 16, 32, 64)
RANKS = 32
MEBIBYTES = 8
"""What every rank writes, and reads."""

WIDTH, HEIGHT, MARGIN = 560, 300, 56
COLOURS = {"written": "#1b6ca8", "read": "#c8553d"}


def rates(factor: int) -> tuple[float, float]:
    """Return bytes a second, written and read, of a file over *factor* I/O nodes.

    Raises:
        SystemExit: the program did not run to its end.
    """
    result = vmpp.run(
        HERE / "programs" / "io_nodes.py",
        [str(factor), str(MEBIBYTES)],
        nprocs=RANKS,
        machine=HERE / "machines" / "io-mesh.toml",
    )
    if result.status:
        raise SystemExit(result.failure or result.stderr.decode())
    written, read = map(float, result.stdout.split())
    return written, read


def table(found: Mapping[int, tuple[float, float]]) -> str:
    """Return a table in Markdown, with what one I/O node alone would make of as many."""
    one = found[FACTORS[0]]
    lines = ["| I/O nodes | Written, MB/s | of linear | Read, MB/s | of linear |"]
    lines.append("| --: | --: | --: | --: | --: |")
    for factor, both in found.items():
        cells = [
            f"{rate / 1e6:,.0f} | {100 * rate / (factor * alone):.0f} %"
            for rate, alone in zip(both, one, strict=True)
        ]
        lines.append(f"| {factor} | {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(found: Mapping[int, tuple[float, float]]) -> str:
    """Return both curves as SVG, both axes logarithmic: what is linear is a straight line."""
    steps = len(FACTORS) - 1
    floor = min(min(both) for both in found.values())

    def x(step: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * step / steps

    def y(rate: float) -> float:
        doublings = log2(rate / floor)
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * doublings / steps

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _line([(x(0), y(floor)), (x(steps), y(floor * 2**steps))], "#bbb", ' stroke-dasharray="4"'),
        _text(x(steps / 2), HEIGHT - 12, "I/O nodes", "middle"),
        _text(8, 20, "MB/s of the machine's time; dashed: linear", "start"),
    ]
    for step, factor in enumerate(FACTORS):
        parts.append(_text(x(step), HEIGHT - MARGIN + 18, str(factor), "middle"))
        rate = floor * 2**step
        parts.append(_text(MARGIN - 8, y(rate) + 4, f"{rate / 1e6:,.0f}", "end"))
        parts.append(_line([(MARGIN, y(rate)), (WIDTH - MARGIN, y(rate))], "#eee"))
    for kind, (name, colour) in enumerate(COLOURS.items()):
        points = [(x(step), y(both[kind])) for step, both in enumerate(found.values())]
        parts.append(_line(points, colour, ' stroke-width="2"'))
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        parts.append(_text(MARGIN + 12, 44 + 18 * kind, name, "start", colour))
    return "\n".join([*parts, "</svg>", ""])


def _line(points: Sequence[tuple[float, float]], colour: str, more: str = "") -> str:
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}"{more}/>'


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def main() -> None:
    """Measure, print the table, and draw the picture if that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.io_nodes", description=__doc__)
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="where to draw it")
    chosen = parser.parse_args()
    found = {factor: rates(factor) for factor in FACTORS}
    print(table(found))
    if chosen.picture is not None:
        chosen.picture.write_text(picture(found))


if __name__ == "__main__":
    main()
