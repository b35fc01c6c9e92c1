"""Records and questions with which a log is held against its contract."""

from __future__ import annotations

import uuid

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.ids import new_id, new_trace_id
from clew.core.record import Body, ErrorInfo, HttpExchange, LogLine, Record, encode_line
from clew.log.query import Filter, HttpStatusFilter, KeyFilter, Page, Query

NOW = 1_780_000_000_000


def make(workspace, time=NOW, **fields):
    return Record(**({"id": new_id(time), "time": time, "workspace": workspace, "kind": "step"} | fields))


def block_of(records):
    return b"".join(encode_line(record) + b"\n" for record in records)


def put(store, *records, token=None):
    store.insert(block_of(records), token or uuid.uuid4().hex)
    return records


def ids_of(page_or_records):
    records = page_or_records.items if isinstance(page_or_records, Page) else page_or_records
    return [record.id for record in records]


def found(store, workspace, **asked):
    return set(ids_of(store.page(Query(filter=Filter(workspace=workspace, **asked), limit=1000))))


def full_record(workspace):
    return make(
        workspace,
        kind="api_request",
        type="order",
        event="order.released",
        source_product="erp",
        target_product="ship",
        direction="two-way",
        action="create",
        status="failure",
        state="REJECTED",
        message="422 from ship",
        error=ErrorInfo(
            type="HTTPError",
            key="postal_code",
            message="no postal code",
            data={"big": 123456789012345678901234567890, "list": [1, None, "x"]},
            stack="line 1\nline 2",
            caused_by=ErrorInfo(type="KeyError", message="'zip'"),
        ),
        customer="c-1",
        integration="orders",
        connection="conn-1",
        source="erp-orders",
        flow="order-to-ship",
        flow_version="3",
        node="create_shipment",
        trace_id=new_trace_id(),
        parent_id=new_id(NOW),
        sender_id="evt/1",
        duplicate_of=new_id(NOW),
        keys={"order": "SO-1001", "shipment": "SH-1"},
        parameters='{"site": "NL",  "n": 1.0}',
        payload='{"a": 1e400,\r\n "b":"\\u0000"}',
        content_type="application/json",
        http=HttpExchange(
            direction="outgoing",
            method="POST",
            url="https://ship.example/api/shipments?x=1&y=é",
            status_code=422,
            request_headers={"content-type": "application/json"},
            request_body=Body(text='{"x": "\\\\"}', size=9),
            response_headers={"x-id": "1"},
            response_body=Body(text="/w==", size=1, encoding="base64", cut=True),
        ),
        duration_ms=17,
        logs=(LogLine(time=NOW, msg="begin"), LogLine(time=NOW + 1, msg="sent", type="api-request", data={"n": 1})),
        redacted=("/http/request_headers/authorization", "/payload/token"),
    )


STRANGE = [
    "a\0b",
    "back\\slash \\n \\0 \\",
    "line\nend\r\n\ttab",
    "quotes ' \" ` ''",
    "'); DROP TABLE log; --",
    "{p0:String} {{x}} %s %(a)s $1 ?",
    "日本語 ünïcödé 🧵 \u2028 \u200d",
    "\x01\x1f\x7f\x80",
    "</script><script>alert(1)</script>",
    " leading and trailing ",
]


def spread(workspace):
    """Records that differ in everything that a filter asks."""
    return [
        make(
            workspace,
            NOW + i * 1000,
            kind=("step", "flow_run", "decision")[i % 3],
            type=f"t{i % 2}",
            event=f"e{i % 3}",
            status=("info", "success", "failure")[i % 3],
            state=f"s{i % 4}",
            customer=f"c{i % 4}",
            integration=f"i{i % 2}",
            connection=f"n{i % 3}",
            source_product=f"p{i % 3}",
            target_product=f"p{i % 4}",
            direction=("", "one-way", "two-way")[i % 3],
            flow=f"f{i % 2}",
            node=f"d{i % 5}",
            source=f"o{i % 2}",
            trace_id=f"{i % 4 + 1:032x}",
            keys={"order": f"SO-{i % 3}"} | ({"line": ""} if i % 2 else {}),
            message=f"word{i % 3} Mixed",
            parameters=f'{{"site": "site{i % 4}"}}',
            payload=f"<pay>load{i % 5}</pay> ünï",
            duration_ms=None if i % 4 == 0 else i * 10,
            http=HttpExchange(
                direction=("incoming", "outgoing")[i % 2],
                method="GET",
                url="/",
                status_code=(200, 404, 422, 500, 0)[i % 5],
            )
            if i % 6
            else None,
            error=ErrorInfo(type=("timeout", "data", "odd", "")[i % 4]) if i % 3 == 2 else None,
        )
        for i in range(24)
    ] + [
        make(workspace, NOW + i, kind=kind, action=action, parent_id=parent_id, status="info", message="role")
        for i, (kind, action, parent_id) in enumerate(ROLES_OF_RECORDS)
    ]


ROLES_OF_RECORDS = [
    (kind, action, parent_id)
    for kind in ("integration_event", "external_event", "internal_event", "external_webhook")
    for action in ("", "Published", "Delivered", "Ignored")
    for parent_id in ("", "019e6bde-6400-7000-8000-000000000001")
]


FILTERS = {
    "kind": [("step",), ("flow_run", "decision"), ("notification",)],
    "type": [("t0",), ("t0", "t1")],
    "event": [("e1",), ("e1", "e2"), ("none",)],
    "status": [("failure",), ("info", "success")],
    "state": [("s3",)],
    "customer": [("c1",), ("c1", "c3", "c9")],
    "integration": [("i1",)],
    "connection": [("n2",)],
    "product": [("p1",), ("p0", "p3")],
    "source_product": [("p1",)],
    "target_product": [("p3",)],
    "direction": [("one-way",), ("one-way", "two-way")],
    "flow": [("f1",)],
    "node": [("d4",)],
    "source": [("o0",)],
    "trace_id": [(f"{2:032x}",)],
    "keys": [
        (KeyFilter("order", "SO-1"),),
        (KeyFilter("order", "SO-1"), KeyFilter("order", "SO-2")),
        (KeyFilter("line", None),),
        (KeyFilter("line", ""),),
        (KeyFilter("line", "SO-1"),),
        (KeyFilter("nothing", None), KeyFilter("order", "SO-0")),
    ],
    "words": [("word1",), ("word1", "mixed"), ("load3", "site3"), ("ünï",), ("pay",), ("word",), ("mixed", "absent")],
    "phrases": [
        (("word1", "mixed"),),
        (("word1", "mixed"), ("pay", "load3")),
        (("load3", "pay", "ünï"),),
        (("mixed", "site"),),
    ],
    "without_words": [("word1",), ("load3", "site3"), ("absent",), ("mixed",)],
    "without_phrases": [(("word1", "mixed"),), (("pay", "load3"), ("word2", "mixed"))],
    "contains": ["ord1", "d1 mix", '"site": "s', "ünï", ">load3<", "e2", "absent"],
    "from_ms": [NOW + 5000, NOW + 5001],
    "to_ms": [NOW + 5000, NOW + 5001],
    "min_duration_ms": [0, 50, 130, 100_000],
    "http_status": [
        (HttpStatusFilter(422, 422),),
        (HttpStatusFilter(400, 499),),
        (HttpStatusFilter(200, 299), HttpStatusFilter(500, 599)),
    ],
    "http_direction": [("incoming",), ("incoming", "outgoing")],
    "error_type": [("timeout",), ("timeout", "odd")],
    "failure_class": [("delivery",), ("configuration",), ("data",), ("delivery", "data")],
    "role": [("event",)],
}


def _in_pairs():
    names = list(FILTERS)
    return [
        {names[i]: FILTERS[names[i]][0], names[j]: FILTERS[names[j]][-1]}
        for i in range(len(names))
        for j in range(i + 1, min(i + 4, len(names)))  # neighbours; any other mixture is the model test's
    ]


ALONE = [{name: value} for name, values in FILTERS.items() for value in values]
"""Every filter by itself."""
TOGETHER = _in_pairs()
"""Filters two at a time."""


def far_apart(workspace):
    """Times from equal to years apart, some of them ahead of the clock."""
    times = [NOW] * 7 + [NOW + i for i in range(5)]
    times += [NOW - step for step in (HOUR_MS, HOUR_MS + 1, DAY_MS, 2 * DAY_MS, 8 * DAY_MS, 31 * DAY_MS, 400 * DAY_MS)]
    return [make(workspace, time) for time in [*times, NOW + DAY_MS, NOW + DAY_MS]]
