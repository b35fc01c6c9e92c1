"""Samples of the page of a record and of its tabs."""

from __future__ import annotations

import msgspec

from clew.web.because import Because, BrokenView
from clew.web.json_tree import build_json_tree
from clew.web.lines import Comparison, Line, Lines
from clew.web.record.collected import CollectedEvent
from clew.web.record.launches import LaunchedRun, Launches, Refused
from clew.web.record.views import (
    BodyView,
    Cause,
    Data,
    Details,
    Exchange,
    Fact,
    FactGroup,
    Guide,
    Parameter,
    PinView,
    RecordPage,
    Side,
    ThreadRow,
    ThreadView,
)
from clew.web.tabs import Tab
from harness.page_samples.layout import EVIL, MEMBER, MOMENT

TREE = build_json_tree(msgspec.json.encode({EVIL: [EVIL, {EVIL: 1}, None, [], 2, 3]}).decode(), max_nodes=7)
BODY = BodyView(text=EVIL, tree=None, size="1 byte", content_type=EVIL, note=EVIL)
THREAD = ThreadView(
    (
        ThreadRow(
            href="/records/1",
            is_current=True,
            is_quiet=True,
            dot="below",
            state=EVIL,
            event=EVIL,
            kind=EVIL,
            source_product=EVIL,
            target_product=EVIL,
            arrow="→",
            http_status=422,
            message=EVIL,
            offset=EVIL,
            took=EVIL,
            guides=(Guide("elbow on", "half"), Guide("", "")),
            level=2,
            hidden_levels=3,
        ),
    ),
    4,
    3,
    left_out_failures=1,
    read_first=4,
    all_href="/logs?trace_id=1",
)
BROKEN = BrokenView(EVIL, EVIL, "/records/3")
BECAUSE = Because(
    summary=EVIL, advice=EVIL, where=EVIL, href="/records/2", is_failure=True, broke=(BROKEN, BROKEN), broke_more=2
)
TABS = (Tab("details", EVIL, "/records/1", is_current=True, has_failure=True, count="3"),)
RECORD = RecordPage(
    layout=MEMBER,
    id="1",
    status="failure",
    dot="below",
    state=EVIL,
    heading=EVIL,
    event=EVIL,
    kind=EVIL,
    kind_href="/logs",
    run_label=EVIL,
    run_href="/flow-runs/1",
    moment=MOMENT,
    took="1 ms",
    http_status=422,
    customer=EVIL,
    customer_href="/logs",
    source_product=EVIL,
    target_product=EVIL,
    arrow="→",
    because=BECAUSE,
    pin=PinView(href="/records/1/pin", label=EVIL, note=EVIL),
    tabs=TABS,
    tab="details",
)
SIDE = Side(((EVIL, EVIL),), BODY, EVIL)
EXCHANGE = Exchange(
    direction=EVIL,
    method=EVIL,
    url=EVIL,
    status_code=422,
    is_failure=True,
    request=SIDE,
    response=Side((), None, EVIL, "/records/1", query=((EVIL, EVIL),)),
    curl=EVIL,
)
FACT = Fact(name=EVIL, value=EVIL, note=EVIL, href="/x", is_code=True, is_copied=True)
DATA = Data(EVIL, "failure", EVIL, (Parameter(EVIL, EVIL, is_json=True),), "", 7, EVIL, EVIL)
DETAILS = Details(
    groups=(FactGroup(EVIL, (FACT, Fact(name="a", value="b"))),),
    redacted=(EVIL,),
    removed=(EVIL,),
    thread=THREAD,
)
COLLECTED = CollectedEvent(EVIL, EVIL, EVIL, "failure", "/records/2")
CAUSE = Cause(type=EVIL, key=EVIL, message=EVIL, data=TREE, stack=EVIL, is_reason=True)


LAUNCHES = Launches(
    (LaunchedRun(EVIL, "/flow-runs/1", "failure", EVIL, EVIL), LaunchedRun(EVIL, "/flow-runs/2", "running", "", "")),
    (
        Refused(
            title=EVIL,
            code=EVIL,
            sentence=EVIL,
            clause=EVIL,
            expected=EVIL,
            actual=EVIL,
            trigger_href="/flows/a#trigger",
            record_href="/records/4",
            is_failure=True,
        ),
    ),
    EVIL,
    "/troubleshooting",
)
LINES = Lines(
    (
        Line(moment=MOMENT, type="error", msg=EVIL, data=TREE, node=EVIL, node_href="/flow-runs/1"),
        Line(moment=MOMENT, type="compare", msg=EVIL, comparison=Comparison(EVIL, EVIL, is_equal=False)),
        Line(moment=MOMENT, type="api-request", msg=EVIL, href="/records/5"),
        Line(moment=MOMENT, type="text", msg=EVIL),
    ),
    7,
)


def record_tab(**fields: object) -> RecordPage:
    return msgspec.structs.replace(RECORD, **fields)
