"""What a record is and what it belongs to, as names and values; its parameters; its log lines."""

from __future__ import annotations

import msgspec

from clew.core.record import Record
from clew.web.legend import STATUS_WORDS, meaning_of
from clew.web.lines import NOBODY, Lines, build_lines
from clew.web.links import filtered, href_of, record_href
from clew.web.names import Names
from clew.web.record.collected import COLLECTING
from clew.web.record.views import Data, Fact, FactGroup, Parameter
from clew.web.wording import KIND_NAMES, cut, say_event, say_message, say_moment, say_size, say_took

MAX_ROWS = 1_000
"""Parameters that one page shows."""


def build_groups(record: Record, names: Names, parent: Record | None = None) -> tuple[FactGroup, ...]:
    """All that is known of it, in groups; what is not known is left out. `parent` is the record that caused it."""
    groups = (
        FactGroup("What happened", _only_known(_happened(record, names))),
        FactGroup("Belongs to", _only_known([_caused_by(record, parent), *_belongs_to(record, names)])),
        FactGroup("Ids", _only_known(_ids(record))),
    )
    return tuple(group for group in groups if group.facts)


def _only_known(facts: list[Fact]) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.value)


def _happened(record: Record, names: Names) -> list[Fact]:
    moment = say_moment(record.time)
    return [
        Fact(name="Message", value="" if record.status == "failure" else say_message(record)),
        Fact(name="Time", value=moment.exact, is_code=True),
        Fact(name="Took", value=say_took(record.duration_ms)),
        Fact(name="Type", value=record.type),
        Fact(name="Action", value=record.action),
        Fact(name="State", value=record.state, note="the word of the system it came from"),
        Fact(name="Source product", value=names.product(record.source_product)),
        Fact(name="Target product", value=names.product(record.target_product)),
        Fact(name="Direction", value=record.direction),
        Fact(name="Payload", value=_say_payload(record), href=record_href(record.id, "payload")),
    ]


def _say_payload(record: Record) -> str:
    if not record.payload:
        return ""
    size = say_size(len(record.payload_bytes()))
    return f"{size}, {record.content_type}" if record.content_type else size


def _belongs_to(record: Record, names: Names) -> list[Fact]:
    keys = [
        Fact(name=name, value=value, href=filtered("key", f"{name}={value}"), is_code=True)
        for name, value in record.keys.items()
    ]
    customer = names.customer(record.customer)
    note = record.customer if customer != record.customer else ""
    return [
        *keys,
        Fact(name="Customer", value=customer, note=note, href=filtered("customer", record.customer)),
        Fact(
            name="Integration",
            value=names.integration(record.integration),
            href=filtered("integration", record.integration),
        ),
        Fact(name="Connection", value=record.connection, href=filtered("connection", record.connection)),
        Fact(name="Source", value=record.source, href=filtered("source", record.source)),
        Fact(name="Flow", value=record.flow, note=_say_version(record), href=filtered("flow", record.flow)),
        Fact(name="Node", value=record.node, href=filtered("node", record.node)),
    ]


def _caused_by(record: Record, parent: Record | None) -> Fact:
    """What it came of: by name where that is still kept."""
    if parent is None:
        return Fact(name="Caused by", value=record.parent_id, href=record_href(record.parent_id), is_code=True)
    is_collected = record.kind == "external_event" and parent.kind in COLLECTING
    name = "Collected by" if is_collected else "Caused by"
    return Fact(name=name, value=cut(say_event(parent)), note=KIND_NAMES[parent.kind], href=href_of(parent))


def _say_version(record: Record) -> str:
    return f"version {record.flow_version}" if record.flow_version else ""


def _ids(record: Record) -> list[Fact]:
    return [
        Fact(name="Record", value=record.id, is_code=True, is_copied=True),
        Fact(
            name="Trace",
            value=record.trace_id,
            href=filtered("trace_id", record.trace_id),
            is_code=True,
            is_copied=True,
        ),
        Fact(name="Repeats", value=record.duplicate_of, href=f"/records/{record.duplicate_of}", is_code=True),
        Fact(name="Sender's id", value=record.sender_id, is_code=True, is_copied=True),
    ]


def build_data(record: Record) -> Data:
    """Result, the message why it failed where it did, and the parameters as they were captured."""
    parameters = _parameters(record.parameters)
    return Data(
        result=record.state or record.status,
        status=record.status,
        message=say_message(record) if record.status == "failure" else "",
        parameters=(parameters or ())[:MAX_ROWS],
        raw=record.parameters if parameters is None else "",
        left_out=max(len(parameters or ()) - MAX_ROWS, 0),
        word=STATUS_WORDS[record.status] if record.kind == "integration_event" else "",
        meaning=meaning_of(record.type, record.status) if record.kind == "integration_event" else "",
    )


def _parameters(text: str) -> tuple[Parameter, ...] | None:
    """Each parameter with its value as it was written; a plain string without its quotes. None for no JSON object."""
    if not text:
        return ()
    try:
        values = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        return tuple(_parameter(name, bytes(value).decode()) for name, value in values.items())
    except msgspec.DecodeError:
        return None


def _parameter(name: str, text: str) -> Parameter:
    if text.startswith('"'):
        return Parameter(name, msgspec.json.decode(text, type=str), is_json=False)
    return Parameter(name, text, is_json=True)


def build_log_lines(record: Record) -> Lines:
    """What was logged while it worked, in order."""
    return build_lines([(NOBODY, line) for line in record.logs])
