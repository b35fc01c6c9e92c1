"""The cause in chains of any shape, also very long and very wide ones."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from clew.core.record import ErrorInfo, Kind, Record, Status
from clew.diagnosis.thread import build_thread
from harness.causes import REFUSED, Make, cause_of, ids


def test_a_chain_longer_than_the_stack_has_a_cause(make: Make) -> None:
    chain = [make("step", "00000", status="failure")]
    chain += [make("step", f"{n:05}", f"{n - 1:05}", n, status="failure") for n in range(1, 5_000)]
    cause = cause_of(chain, "00000")
    assert cause.record is not None
    assert cause.record.id == "04999"
    assert len(cause.path) == 5_000


def test_thousands_of_failures_below_one_record_cost_little(make: Make) -> None:
    error = ErrorInfo(type="KeyError", message="'a'", data={"body": {"errors": [{"field": "a", "message": "b" * 500}]}})
    chain = [make("node_run", "node", status="failure", error=error)]
    chain += [make("api_request", f"{n}", "node", n, status="failure", error=error) for n in range(4_000)]
    start = time.perf_counter()
    assert cause_of(chain, "node").record == chain[1]
    assert time.perf_counter() - start < 2  # some 50 ms; the bound is for a machine that does much else


KINDS: list[Kind] = ["flow_run", "node_run", "api_request", "internal_event", "external_webhook", "decision", "step"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from(["", "gone", *"abcdefgh"]),
            st.integers(0, 3),
            st.sampled_from(["info", "success", "failure"]),
            st.sampled_from(KINDS),
            st.sampled_from(["", "launched", "skipped"]),
            st.sampled_from([None, REFUSED, ErrorInfo(type="KeyError", message="'a'"), ErrorInfo()]),
        ),
        min_size=1,
    )
)
def test_whatever_the_chain_the_path_leads_from_the_record_to_a_failure_or_to_what_did_not_run(
    drawn: list[tuple[str, str, int, Status, Kind, str, ErrorInfo | None]],
) -> None:
    records = {
        name: Record(
            id=name, time=t, workspace="w", kind=kind, parent_id=parent, status=status, state=state, error=error
        )
        for name, parent, t, status, kind, state, error in drawn
    }
    chain = list(records.values())
    for asked, record in records.items():
        cause = cause_of(chain, asked)
        assert cause.explanation.summary.strip()
        if cause.record is None:
            assert not cause.path
            assert not cause.broke
            assert record.status != "failure"
            assert not any(node.is_on_path for node in build_thread(chain).walk())
            continue
        assert cause.path[0].id == asked
        assert cause.path[-1] == cause.record
        assert len(set(ids(cause.path))) == len(cause.path)
        assert cause.record.status == "failure" or cause.record.id == asked
        broke = [broken.record.id for broken in cause.broke]
        assert all(records[one].status == "failure" for one in broke)
        assert not set(broke) & set(ids(cause.path))
        assert len(set(broke)) == len(broke)
