from collections import Counter

import msgspec
import pytest

from clew.core.clock import DAY_MS, HOUR_MS, from_rfc3339
from clew.core.ids import is_trace_id
from clew.core.settings import Settings
from clew.demo.companies import ABROAD, BURST, COMPANIES, NO_POSTAL_CODE
from clew.demo.history import BURST_BEFORE_MS, BURST_SPAN_MS, SPAN_MS, make_history, send_history
from clew.doors.json_events import read_events

NOW_MS = 1_780_000_000_000


def walk_steps(step):
    yield step
    for child in step.children:
        yield from walk_steps(child)


@pytest.fixture(scope="module")
def steps():
    return make_history(now_ms=NOW_MS, records=20_000, seed=7)


@pytest.fixture(scope="module")
def events(steps):
    return [event for step in steps for event in step.walk()]


def test_the_same_seed_and_end_give_the_same_history():
    first = make_history(now_ms=NOW_MS, records=2_000, seed=7)
    assert first == make_history(now_ms=NOW_MS, records=2_000, seed=7)
    assert first != make_history(now_ms=NOW_MS, records=2_000, seed=8)


@pytest.mark.parametrize("records", [1, 10, 500, 20_000])
def test_it_has_exactly_as_many_records_as_asked_for(records):
    assert (
        len([event for step in make_history(now_ms=NOW_MS, records=records, seed=7) for event in step.walk()])
        == records
    )


def test_ids_are_unique_and_differ_from_another_starts(events):
    ids = {event.id for event in events}
    later = make_history(now_ms=NOW_MS + 1, records=20_000, seed=7)
    assert len(ids) == 20_000
    assert not ids & {event.id for step in later for event in step.walk()}


def test_all_of_it_lies_in_the_two_days_before(events):
    times = [from_rfc3339(event.time) for event in events]
    assert NOW_MS - SPAN_MS <= min(times) < NOW_MS - SPAN_MS + HOUR_MS
    assert NOW_MS - HOUR_MS < max(times) <= NOW_MS


def test_roots_are_in_order_of_time_and_no_step_is_older_than_its_parent(steps):
    assert [step.event.time for step in steps] == sorted(step.event.time for step in steps)
    for step in (inner for root in steps for inner in walk_steps(root)):
        assert all(child.event.time >= step.event.time for child in step.children)


def test_about_one_record_in_twenty_failed_and_there_are_infos(events):
    statuses = Counter(event.status for event in events)
    assert 0.04 < statuses["failure"] / len(events) < 0.06
    assert 0.02 < statuses["info"] / len(events) < 0.08


def test_failures_have_several_causes_and_each_says_why(events):
    failures = [event for event in events if event.status == "failure"]
    assert all(event.error and event.message for event in failures)
    assert all(event.error is None for event in events if event.status != "failure")
    causes = Counter(event.error.innermost().key for event in failures)
    assert causes.keys() == {
        "token_expired",
        "validation_failed",
        "internal_error",
        "parameter_missing",
        "program_not_found",
        "amount_invalid",
        "cost_centre_closed",
    }
    assert min(causes.values()) > 20


def test_one_customers_access_had_expired_for_two_hours(events):
    begin_ms = NOW_MS - BURST_BEFORE_MS
    refused = [
        event for event in events if event.customer == BURST.name and event.message.startswith("401 The access of")
    ]
    assert len(refused) > 60
    assert all(begin_ms <= from_rfc3339(event.time) < begin_ms + BURST_SPAN_MS for event in refused)
    shipped = [e for e in events if e.customer == BURST.name and e.event == "shipment.created"]
    assert any(from_rfc3339(event.time) < begin_ms for event in shipped)
    assert any(from_rfc3339(event.time) > begin_ms + BURST_SPAN_MS for event in shipped)


def test_the_company_without_a_postal_code_shipped_well_before_it_was_lost(events):
    of_company = [event for event in events if event.customer == NO_POSTAL_CODE.name]
    good = [event.time for event in of_company if event.event == "shipment.created"]
    bad = [event.time for event in of_company if "postal_code" in event.message]
    assert good
    assert bad
    assert max(good) < min(bad)


def test_orders_from_abroad_were_taken_note_of_and_not_shipped(steps):
    abroad = {company.name for company in ABROAD}
    orders = [step for step in steps if step.event.integration == "orders" and step.event.customer in abroad]
    assert len(orders) > 50
    assert all(step.event.status == "info" and not step.children for step in orders)
    assert all("nothing was created" in step.event.message for step in orders)


def test_days_are_busier_than_nights(events):
    by_hour = Counter((from_rfc3339(event.time) % DAY_MS) // HOUR_MS for event in events)
    assert sum(by_hour[hour] for hour in (13, 14, 15)) > 3 * sum(by_hour[hour] for hour in (1, 2, 3))


def test_forty_customers_order_and_the_first_most(events):
    customers = Counter(event.customer for event in events if event.customer)
    assert customers.keys() == {company.name for company in COMPANIES}
    assert customers.most_common(1)[0][0] == COMPANIES[0].name


def test_every_kind_of_event_and_key_and_direction_is_there(events):
    assert {event.event for event in events} >= {
        "order.released",
        "order.held",
        "order.updated",
        "shipment.created",
        "invoice.posted",
        "inventory.adjusted",
        "customer.synced",
    }
    types = {event.type for event in events}
    assert types >= {"One Click Access", "API Call", "Integration Script", "Conversion"}
    assert {key for event in events for key in event.keys} >= {"order", "shipment", "invoice", "email"}
    assert {event.direction for event in events} == {"one-way", "two-way"}
    assert any(event.source_product == event.target_product for event in events)


@pytest.mark.feature("B21", "B22", "B23")
def test_referral_events_carry_the_parameters_of_their_forms_scripts_and_calls(events):
    named = {}
    for event in events:
        if event.integration == "referrals":
            named.setdefault(event.type, set()).update(event.parameters)
    assert named["One Click Access"] >= {"programIdentifier", "email", "fullName", "firstname", "lastname"}
    of_conversions = {"externalIdentifier", "email", "amount", "firstName", "lastName", "fullName"}
    assert named["Conversion"] >= of_conversions
    assert named["Integration Script"] >= of_conversions | {"debug", "emailParamName", "amountParamName"}
    assert named["API Call"] >= {"referralkey_email", "referralkey_externalid", "referralkey_id"}
    assert all("programIdentifier" in event.parameters for event in events if event.integration == "referrals")


@pytest.mark.feature("B08", "B24")
def test_an_info_names_the_invalid_link_or_the_fraud_rule_that_blocked_it(events):
    referrals = [event for event in events if event.integration == "referrals"]
    info = [event.message for event in referrals if event.status == "info"]
    assert all("not a valid" in message or message.startswith("Fraud Trigger Blocked: ") for message in info)
    for reason in (
        "not a valid member's link",
        "not a valid member's code",
        "Fraud Trigger Blocked: Self Referral",
        "Fraud Trigger Blocked: Duplicate Referral (email)",
        "Fraud Trigger Blocked: Duplicate Referral (external id)",
        "Fraud Trigger Blocked: Duplicate Referral (phone)",
        "Fraud Trigger Blocked: Coupon Spam (blocklisted Domain)",
        "Fraud Trigger Blocked: Direct Add limit (day)",
        "Fraud Trigger Blocked: Direct Add limit (month)",
    ):
        assert any(reason in message for message in info), reason
    allowed = [event.status for event in referrals if "Fraud Trigger Allowed" in event.message]
    assert set(allowed) == {"success"}


def test_payloads_are_of_realistic_size(events):
    sizes = [len(msgspec.json.encode(event.payload)) for event in events if event.payload is not None]
    assert min(sizes) > 100
    assert max(sizes) < 2_500
    assert sum(size > 300 for size in sizes) > len(sizes) / 2


def test_each_order_is_one_trace_with_its_number_as_key(steps):
    orders = [step for step in steps if step.event.integration == "orders"]
    assert len({step.event.trace_id for step in orders}) == len(orders)
    assert len({step.event.keys["order"] for step in orders}) == len(orders)
    for step in orders:
        assert is_trace_id(step.event.trace_id)
        assert {event.trace_id for event in step.walk()} == {step.event.trace_id}
        assert {event.keys["order"] for event in step.walk()} == {step.event.keys["order"]}


async def test_it_is_sent_through_the_intake_parents_first(clew, api_key):
    sent = await send_history(clew.url, api_key, now_ms=NOW_MS, records=3_000, seed=7)
    assert sent == len(clew.records) == 3_000
    assert 900 < max(clew.batches) <= 1_000
    for record in clew.records.values():
        if parent_id := record.get("parent_id"):
            assert clew.records[parent_id]["trace_id"] == record["trace_id"]


async def test_it_waits_for_a_clew_that_cannot_take_it_and_sends_nothing_twice(clew, api_key):
    clew.failures = [(503, {})]
    assert await send_history(clew.url, api_key, now_ms=NOW_MS, records=100, seed=7) == len(clew.records) == 100
    assert clew.duplicates == 0


def test_clew_takes_every_event_of_it(steps):
    for begin in range(0, len(steps), 100):
        events = [event for step in steps[begin : begin + 100] for event in step.walk()]
        body = msgspec.json.Encoder().encode_lines(events)
        batch = read_events(body, "application/x-ndjson", Settings(), NOW_MS)
        assert len(batch.parents) == sum(bool(event.parent_id) for event in events)
        assert [event.status for event in batch.events] == [event.status for event in events]
        assert len(batch.errors) == sum(event.status == "failure" for event in events)
