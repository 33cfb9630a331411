"""What is chosen for all boots to come is read as it was kept, or refused."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from vmpp.machine.kept_policies import KeptPolicies, KeptPolicyError

WORDS = st.text(min_size=1).filter(lambda text: text.isprintable())


@given(st.dictionaries(WORDS, WORDS))
def test_what_is_kept_is_read_again(chosen: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "policies.json")
        kept = KeptPolicies(path)
        for kind, text in chosen.items():
            kept.keep(kind, text)
        assert KeptPolicies(path).chosen == kept.chosen == chosen
        for kind in chosen:
            kept.keep(kind, None)
        assert KeptPolicies(path).chosen == {}


@given(st.binary())
@example(b'{"pct": 1}')
@example(b'{"pct": "rr"')
@example(b'{"pct": "rr"}')
def test_any_file_is_read_or_refused_in_one_line(data: bytes) -> None:
    said = ""
    with TemporaryDirectory() as folder:
        path = Path(folder, "policies.json")
        path.write_bytes(data)
        try:
            KeptPolicies(path)
        except KeptPolicyError as error:
            said = str(error)
    assert "\n" not in said


def test_without_a_file_nothing_is_kept() -> None:
    kept = KeptPolicies(None)
    kept.keep("pct", "rr")
    assert kept.chosen == {"pct": "rr"}
    assert KeptPolicies(None).chosen == {}
