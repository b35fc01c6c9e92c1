"""The chain of checks over facts: each link broken once, and what is said of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS
from clew.core.ids import new_id
from clew.core.record import Kind, Summary
from clew.diagnosis.cause import Cause
from clew.diagnosis.decisions import Decision
from clew.diagnosis.rule import Explanation
from clew.diagnosis.why_not import WhyNot, build_why_not
from clew.diagnosis.why_not_facts import Arrivals, Nearby, Question, Waiting, WhyNotFacts
from clew.diagnosis.why_not_words import Check, CheckName, say_range
from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSetting
from clew.flows.runner import LaunchedBy, OpenRun, OpenState
from clew.log.search import Coverage
from clew.registry.declare import Product, minutes

NOW = 1_780_000_000_000
TO = NOW
FROM = NOW - HOUR_MS

hooks = Product("erp", title="ERP").webhook("orders", event="$.type")


def declare(**options: Any) -> Flow:
    flow = Flow("order-to-ship", title="Orders to Ship", **{"on": hooks["order.released"], **options})

    @flow.node
    def work():
        return {}

    return flow


FLOW = declare(where="event.payload.country == 'US'")


def ask(flow: Flow | None = FLOW, **fields: Any) -> Question:
    given: dict[str, Any] = {
        "customer": "acme",
        "customer_name": "Acme",
        "sources": ("orders",),
        "events": ("order.released",),
        "titles": {"orders": "ERP"},
        "from_ms": FROM,
        "to_ms": TO,
    }
    return Question(workspace="w", flow=flow, **{**given, **fields})


def know(**facts: Any) -> WhyNotFacts:
    coverage = Coverage(from_ms=FROM, to_ms=TO, indexed_until=NOW, oldest_kept=NOW - 10 * DAY_MS)
    return WhyNotFacts(now_ms=NOW, **{"coverage": coverage, "arrivals": Arrivals(received=3), **facts})


def summary(kind: Kind = "external_event", ago: int = 10 * MINUTE_MS, **fields: Any) -> Summary:
    given = {"event": "order.released", "source": "orders", "customer": "acme", "keys": {"order": "SO-1"}, **fields}
    return Summary(id=new_id(NOW - ago), time=NOW - ago, workspace="w", kind=kind, **given)


def decision(event: Summary, code: str, **fields: Any) -> Decision:
    given: dict[str, Any] = {
        "flow": "order-to-ship",
        "verdict": "launched" if code == "launched" else "not_launched",
        "reason": "",
        "clause": "",
        "expected": "",
        "actual": None,
        "flow_run_id": "",
    }
    return Decision(record_id=new_id(), event_id=event.id, time=NOW, code=code, **{**given, **fields})


def run_of(event: Summary, state: str = "completed", **fields: Any) -> Summary:
    status = {"completed": "success", "failed": "failure", "stopped": "info"}[state]
    return summary("flow_run", parent_id=event.id, flow="order-to-ship", state=state, status=status, **fields)


def open_run(event: Summary, state: OpenState, before: int = 0) -> Waiting:
    run = OpenRun(
        id=new_id(),
        workspace="w",
        flow="order-to-ship",
        state=state,
        event=Event(id=event.id, time=event.time, type=event.event),
        launched_by=LaunchedBy("external-event", (event.id,)),
        parent_id=event.id,
        queued_ms=NOW - MINUTE_MS,
    )
    return Waiting(run, before)


def check(answer: WhyNot, name: CheckName) -> Check:
    found = answer.check(name)
    assert found is not None
    return found


def verdicts(answer: WhyNot) -> str:
    """The chain in a line: `y` yes, `n` no, `?` unknown, `-` not reached."""
    return "".join({"yes": "y", "no": "n", "unknown": "?", "not_reached": "-"}[one.verdict] for one in answer.checks)


REFUSAL = {
    "reason": "event.payload.country is 'FR'",
    "clause": "event.payload.country == 'US'",
    "expected": "'US'",
    "actual": "FR",
}


@pytest.mark.parametrize(
    ("code", "broken", "chain"),
    [
        ("duplicate", "new", "yyyn------"),
        ("flow_disabled", "enabled", "yyyyn-----"),
        ("customer_archived", "connected", "yyyyyn----"),
        ("connection_disconnected", "connected", "yyyyyn----"),
        ("filter_not_matched", "matched", "yyyyyyn---"),
        ("no_flow_subscribed", "matched", "yyyyyyn---"),
        ("queue_full", "launched", "yyyyyyyn--"),
    ],
)
@pytest.mark.feature("N01")
def test_each_code_of_a_decision_breaks_its_own_link(code: str, broken: str, chain: str) -> None:
    event = summary()
    refused = decision(event, code, reason="the reason that was written down")
    answer = build_why_not(ask(), know(events=(event,), decisions=(refused,)))
    assert (answer.broken, verdicts(answer)) == (broken, chain)
    assert "the reason that was written down" in answer.summary
    assert check(answer, answer.broken or "new").evidence[0].record_id == refused.record_id
    assert answer.advice


def test_a_filter_is_said_with_its_clause_and_what_was_there() -> None:
    event = summary()
    answer = build_why_not(ask(), know(events=(event,), decisions=(decision(event, "filter_not_matched", **REFUSAL),)))
    assert answer.summary == (
        "Orders to Ship did not run for Acme between 28 May 2026 19:26:40 and 20:26:40 UTC: the filter asks for "
        "event.payload.country == 'US', and event.payload.country is 'FR'."
    )
    (evidence,) = check(answer, "matched").evidence
    assert (evidence.clause, evidence.expected, evidence.actual) == ("event.payload.country == 'US'", "'US'", "FR")


def test_an_event_that_no_flow_waits_for_is_advised_to_be_named_in_a_trigger() -> None:
    event = summary(event="order.held")
    refused = decision(event, "no_flow_subscribed", flow="", reason="no flow waits for order.held from orders")
    answer = build_why_not(
        ask(None, event="order.held", events=("order.held",)), know(events=(event,), decisions=(refused,))
    )
    assert answer.summary.endswith("no flow waits for order.held from orders.")
    assert answer.advice == "If a flow should start, let its trigger name this event."


def test_of_several_events_only_some_may_be_refused_and_the_others_are_told_too() -> None:
    refused, ran, failed = summary(), summary(ago=MINUTE_MS), summary(ago=2 * MINUTE_MS)
    answer = build_why_not(
        ask(),
        know(
            events=(ran, failed, refused),
            decisions=(decision(refused, "filter_not_matched", **REFUSAL),),
            ended=(run_of(ran), run_of(failed, "failed")),
        ),
    )
    assert answer.broken == "matched"
    assert "did not run for 1 of 3 events for Acme" in answer.summary
    assert answer.summary.endswith("Of the others: 1 of 2 runs failed.")


@pytest.mark.parametrize(
    ("arrivals", "chain", "said"),
    [
        (Arrivals(), "n-n-------", "no webhook came to the source orders, of any customer"),
        (Arrivals(received=2, refused_count=2), "ynn-------", "every webhook to the source orders was refused"),
        (Arrivals(received=5, refused_count=2), "y?n-------", "order.released did not happen"),
        (Arrivals(received=5), "yyn-------", "order.released did not happen"),
    ],
)
def test_where_no_event_came_the_arrivals_say_how_far_it_got(arrivals: Arrivals, chain: str, said: str) -> None:
    answer = build_why_not(ask(), know(arrivals=arrivals))
    assert verdicts(answer) == chain
    assert said in answer.summary


def test_a_refused_webhook_beside_an_event_that_came_breaks_nothing() -> None:
    event = summary()
    refused = summary("external_webhook", status="failure", error_type="signature", error_message="it does not hold")
    arrivals = Arrivals(received=2, refused_count=1, refused=(refused,))
    answer = build_why_not(ask(), know(events=(event,), arrivals=arrivals, ended=(run_of(event),)))
    assert answer.broken is None
    assert "signature: it does not hold" in check(answer, "accepted").sentence


def test_what_happened_instead_is_a_hint() -> None:
    nearby = Nearby(
        others=(summary(customer="beta"), summary(customer="")),
        other_names=(summary(event="order.held"),),
        before=summary(ago=3 * HOUR_MS),
        unreadable=(summary(event="", status="failure"),),
        reported=(summary("integration_event"),),
    )
    answer = build_why_not(ask(), know(nearby=nearby))
    said = check(answer, "happened").sentence
    for part in (
        "It happened for beta and no customer in this time",
        "Other events came for Acme: order.held.",
        "The nearest before was order.released, order SO-1, 28 May 2026 17:26:40 UTC.",
        "1 event had no name that could be read.",
        "It was reported as an integration event",
    ):
        assert part in said
    assert len(check(answer, "happened").evidence) == 6
    assert answer.summary.endswith("is the customer the right one?")


@pytest.mark.parametrize(
    ("question", "coverage", "said"),
    [
        ({"from_ms": NOW - 20 * DAY_MS, "to_ms": NOW - 19 * DAY_MS}, {}, "the oldest record kept is of"),
        ({"from_ms": NOW + HOUR_MS, "to_ms": NOW + 2 * HOUR_MS}, {}, "that is still to come"),
        ({}, {"indexed_until": NOW - 30 * MINUTE_MS}, "the log has come as far as"),
        ({}, {"truncated": True}, "the search took too long"),
    ],
)
@pytest.mark.feature("N08")
def test_what_the_log_cannot_know_is_unknown_and_breaks_nothing(
    question: dict[str, int], coverage: dict[str, Any], said: str
) -> None:
    whole = msgspec.structs.replace(know().coverage, **coverage)
    answer = build_why_not(ask(**question), know(coverage=whole, arrivals=Arrivals()))
    assert answer.broken is None
    assert verdicts(answer)[2] == "?"
    assert said in answer.summary
    assert answer.summary.startswith("It cannot be told whether Orders to Ship was to run for Acme")


def test_a_repeated_delivery_without_an_event_of_its_own_is_broken_at_new_and_leads_to_the_first() -> None:
    first = new_id(NOW - DAY_MS)
    repeated = summary("external_webhook", duplicate_of=first)
    answer = build_why_not(ask(), know(arrivals=Arrivals(received=1, repeats=(repeated,))))
    assert (answer.broken, verdicts(answer)) == ("new", "yyyn------")
    assert [one.record_id for one in check(answer, "new").evidence] == [first, repeated.id]


def test_an_event_that_nothing_was_decided_about_is_not_guessed_about() -> None:
    answer = build_why_not(ask(), know(events=(summary(),)))
    assert (answer.broken, verdicts(answer)) == (None, "yyyy????--")
    assert "No flow has decided on it" in answer.summary


def test_a_flow_that_is_switched_off_now_is_told_also_where_the_event_did_not_happen() -> None:
    setting = FlowSetting(workspace="w", flow="order-to-ship", enabled=False, changed_by="ada", changed_at=NOW)
    answer = build_why_not(ask(), know(is_enabled=False, setting=setting))
    assert (answer.broken, verdicts(answer)) == ("happened", "yyn-n-----")
    assert "switched off by ada" in check(answer, "enabled").sentence


@pytest.mark.parametrize(
    ("state", "before", "broken", "chain", "said"),
    [
        ("queued", 2, "started", "yyyyyyyyn-", "with 2 open runs before it"),
        ("running", 0, None, "yyyyyyyyy?", "1 run of 1 is running now"),
        ("stopping", 0, None, "yyyyyyyyy?", "1 run of 1 is running now"),
    ],
)
def test_an_open_run_is_queued_or_running(
    state: OpenState, before: int, broken: str | None, chain: str, said: str
) -> None:
    event = summary()
    waiting = open_run(event, state, before)
    launched = decision(event, "launched", flow_run_id=waiting.run.id)
    answer = build_why_not(ask(), know(events=(event,), decisions=(launched,), waiting=(waiting,)))
    assert (answer.broken, verdicts(answer)) == (broken, chain)
    assert said in answer.summary


def test_a_run_that_was_launched_and_is_nowhere_yet_is_unknown() -> None:
    event = summary()
    launched = decision(event, "launched", flow_run_id=new_id())
    answer = build_why_not(ask(), know(events=(event,), decisions=(launched,)))
    assert (answer.broken, verdicts(answer)) == (None, "yyyyyyyyy?")


def test_a_failed_run_is_said_in_the_words_of_its_cause() -> None:
    event = summary()
    told = Explanation(code="refused", summary="Ship refused it (422): no postal code.", advice="Correct the data.")
    cause = Cause(record=None, path=(), broke=(), explanation=told)
    answer = build_why_not(ask(), know(events=(event,), ended=(run_of(event, "failed"),), cause=cause))
    assert (answer.broken, verdicts(answer)) == ("completed", "yyyyyyyyyn")
    assert answer.summary.endswith("UTC and failed: Ship refused it (422): no postal code.")
    assert answer.advice == "Correct the data."


def test_a_failed_run_that_was_repeated_and_went_well_is_made_good() -> None:
    event = summary()
    answer = build_why_not(ask(), know(events=(event,), ended=(run_of(event), run_of(event, "failed"))))
    assert (answer.broken, verdicts(answer)) == (None, "yyyyyyyyyy")
    assert "did run for Acme" in answer.summary


def test_a_run_that_was_stopped_is_no_failure() -> None:
    event = summary()
    answer = build_why_not(ask(), know(events=(event,), ended=(run_of(event, "stopped"),)))
    assert answer.summary.endswith("and was stopped before its end.")


def test_an_event_type_is_launched_where_any_flow_was_and_the_furthest_refusal_speaks_for_the_rest() -> None:
    event = summary()
    both = (decision(event, "flow_disabled", flow="a"), decision(event, "filter_not_matched", flow="b", **REFUSAL))
    answer = build_why_not(ask(None, event="order.released"), know(events=(event,), decisions=both))
    assert answer.broken == "matched"
    assert answer.summary.startswith("order.released launched nothing for Acme")
    ran = build_why_not(
        ask(None, event="order.released"), know(events=(event,), decisions=both[:1], ended=(run_of(event),))
    )
    assert ran.broken is None


def test_a_schedule_that_was_due_is_asked_for_no_webhook() -> None:
    flow = declare(on=None, every=minutes(30))
    ran = summary("flow_run", flow=flow.key, state="completed", status="success", event="schedule")
    answer = build_why_not(ask(flow), know(due_ms=(NOW - 1,), ended=(ran,)))
    assert [one.name for one in answer.checks] == ["happened", "enabled", "launched", "started", "completed"]
    assert answer.broken is None


def test_a_schedule_that_was_passed_over_says_why() -> None:
    flow = declare(on=None, every=minutes(30))
    passed = msgspec.structs.replace(decision(summary(), "flow_disabled", reason="it was switched off"), event_id="")
    answer = build_why_not(ask(flow), know(due_ms=(NOW - 1,), decisions=(passed,)))
    assert answer.broken == "enabled"


def test_what_only_the_api_starts_was_not_asked_for() -> None:
    answer = build_why_not(ask(declare(on=None)), know())
    assert "nothing but a call of the API starts it, and none came" in answer.summary


def test_where_webhooks_are_not_logged_it_is_not_known_what_came() -> None:
    answer = build_why_not(ask(), know(arrivals=Arrivals(), are_webhooks_logged=False))
    assert verdicts(answer) == "??n-------"
    event = summary()
    came = build_why_not(
        ask(), know(arrivals=Arrivals(), events=(event,), ended=(run_of(event),), are_webhooks_logged=False)
    )
    assert verdicts(came) == "yyyyyyyyyy"


def test_a_lost_connection_is_said_in_the_words_of_its_decision() -> None:
    event = summary()
    lost = {"clause": "connection.state == 'connected'", "reason": "the connection acme-ship is disconnected"}
    answer = build_why_not(
        ask(), know(events=(event,), decisions=(decision(event, "connection_disconnected", **lost),))
    )
    assert answer.summary.endswith("UTC: the connection acme-ship is disconnected.")


def test_with_a_customers_own_key_what_the_source_received_is_not_told() -> None:
    answer = build_why_not(ask(is_confined=True), know(arrivals=Arrivals()))
    assert verdicts(answer) == "??n-------"


def test_a_time_is_said_with_its_day_once_and_with_seconds_where_they_count() -> None:
    day = NOW - NOW % DAY_MS
    assert say_range(day, day + HOUR_MS) == "between 28 May 2026 00:00 and 01:00 UTC"
    assert say_range(day, day + DAY_MS) == "between 28 May 2026 00:00 and 29 May 2026 00:00 UTC"
    assert say_range(day + 1_000, day + HOUR_MS) == "between 28 May 2026 00:00:01 and 01:00:00 UTC"
