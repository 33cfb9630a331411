"""Random programs: whatever is sent arrives, in order and whole, however it is received."""

from __future__ import annotations

import pytest

PROGRAM = """
    import random

    SIZES = [0, 8, 50, 64, 200, 500, 1000, 3000, 9000, 20_000, 200_000, 2_000_000]
    KINDS = [0, 1, 2, 28, 29, 77, 999_999_999]
    TIGHT = {tight}
    plan, own = random.Random({seed}), random.Random({seed} * 1000 + me)
    sizes = SIZES[: plan.randrange(6, len(SIZES) + 1)]
    messages = {{
        (source, dest): [
            (plan.choice(KINDS), plan.choice(sizes)) for _ in range(plan.randrange(12))
        ]
        for source in range(n)
        for dest in range(n)
    }}

    def body(source, dest, number, size):
        return (bytes([source, dest, number]) * (size // 3 + 1))[:size]

    def check(source, number, kind, got, told):
        assert list(told[:4]) == [kind, len(got), source, 0]
        assert got == body(source, me, number, len(got))

    def begin(dest, number, kind, size):
        data = body(me, dest, number, size)
        if own.random() < 0.5:
            return isend(kind, data, size, dest, 0)
        handled.append(done := [])
        hsend(kind, data, size, dest, 0, lambda *facts: done.append(facts))
        return -1

    def receive(source, number, kind, size):
        got, info, how = bytearray(size), [0] * 8, own.randrange(4)
        if how == 0:
            crecvx(kind, got, size, source, -1, info)
            check(source, number, kind, got, info)
        elif how == 1:
            cprobex(kind, source, 0, info)
            crecvx(kind, got, size, source, 0, msginfo)
            assert list(msginfo[:4]) == info[:4]
            check(source, number, kind, got, info)
        elif how == 2:
            mid = irecvx(kind, got, size, source, -1, info)
            posted.append((mid, source, number, kind, got, info))
        else:
            handled.append(done := [])
            def handler(type, count, node, ptype, hparam):
                check(source, number, kind, got, (type, count, node, ptype))
                done.append(hparam)
            hrecvx(kind, got, size, source, -1, handler, number)

    posted, handled, sends = [], [], []
    left = [(dest, *each) for dest in range(n) for each in enumerate(messages[me, dest])]
    for dest, number, (kind, size) in sorted(left, key=lambda each: (each[1], own.random())):
        sends.append(begin(dest, number, kind, size))
    waiting = {{source: list(enumerate(messages[source, me])) for source in range(n)}}
    while any(waiting.values()):
        source = own.choice([each for each in waiting if waiting[each]])
        # Of each type the first; any type, unless memory is so tight that order matters.
        firsts = list({{kind: (number, (kind, size)) for number, (kind, size) in
                        reversed(waiting[source])}}.values())
        number, (kind, size) = min(firsts) if TIGHT else own.choice(firsts)
        waiting[source].remove((number, (kind, size)))
        receive(source, number, kind, size)
    for mid, *facts in posted:
        msgwait(mid)
        check(*facts)
    for mid in sends:
        msgwait(mid)
    while not all(handled):
        iprobe(5555)
    gsync()
    assert iprobe(-1) == 0
"""

MEMORY = {
    "plenty": {},
    "1 KiB each": {"mbf": "4 KiB", "mea": "1 KiB"},
    "2 KiB for all": {"mbf": "2 KiB"},
    "tiny gifts": {"mbf": "64 KiB", "gth": "64 B"},
    "one expected": {"mbf": "64 KiB", "noc": "1"},
    "tiny packets": {"pkt": "64 B"},
    "short ones only": {"sct": "1 KiB"},
    "a threshold": {"mbf": "64 KiB", "sth": "8 KiB"},
}


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("nodes", [1, 4])
def test_everything_arrives(run, memory, nodes):
    settings = MEMORY[memory]
    seed = list(MEMORY).index(memory) * 10 + nodes
    run(PROGRAM.format(seed=seed, tight=bool(settings)), nodes, **settings)


def test_a_run_repeats_to_the_last_picosecond(run):
    text = PROGRAM.format(seed=77, tight=True)
    runs = [run(text, 4, mbf="8 KiB", machine="paragon") for _ in range(2)]
    assert len({each.digest for each in runs}) == len({each.virtual_time for each in runs}) == 1
