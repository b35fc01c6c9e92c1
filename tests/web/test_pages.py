"""What holds for every page: views that do not lie, no inline style or script, headers, files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from jinja2 import UndefinedError

from clew.core.record import Record
from clew.registry.registry import Registry
from clew.web.because import Because, BrokenView
from clew.web.chart import Chart, ChartBar, Part
from clew.web.failing import Failures
from clew.web.failures import FailurePage
from clew.web.flow_run.views import (
    Attempt,
    FlowRunPage,
    Launch,
    Message,
    NodeLink,
    NodePanel,
    RequestRow,
    Skip,
    Step,
)
from clew.web.flows.views import FlowPage, FlowRow, FlowsPage, LastRun, NodeRow, Rate, TriggerEvent
from clew.web.graph import GraphLink, GraphNode, GraphView
from clew.web.json_tree import build_json_tree
from clew.web.layout import build_layout
from clew.web.legend import Legend, Meaning
from clew.web.lines import Comparison, Line, Lines
from clew.web.logs.columns import OF_KIND, columns_of
from clew.web.logs.views import (
    ActiveFilter,
    AnyRow,
    Bounds,
    ChartPart,
    Choice,
    EventRow,
    FacetChoice,
    FacetsPart,
    FilterField,
    Live,
    LiveRow,
    LogPage,
    Nothing,
    Option,
    Outcome,
    Preparation,
    Row,
    Rows,
    RowsPart,
    RunRow,
    SavedView,
    ScannedRows,
    Scanning,
    Trouble,
    ViewsMenu,
)
from clew.web.overview.views import Attention, FailureRow, Figure, FirstSteps, FlowLine, OverviewPage, Share
from clew.web.record.collected import Collected, CollectedEvent
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
    Payload,
    PinView,
    RecordPage,
    Side,
    ThreadRow,
    ThreadView,
)
from clew.web.rendering import TEMPLATES_DIR, Templates, View
from clew.web.settings.views import (
    ActivityPage,
    ChangeRow,
    Difference,
    Kept,
    KindRow,
    LoggingPage,
    PinRow,
    RemovedRow,
    RetentionView,
    SwitchRow,
)
from clew.web.sign_in.views import LinkPage, Refusal, SignInPage
from clew.web.static_files import STATIC_DIR, StaticFiles
from clew.web.tabs import Tab
from clew.web.troubleshooting.views import (
    Answered,
    CheckForm,
    CheckRow,
    EvidenceRow,
    FailureStart,
    FlowGroup,
    FlowVerdict,
    FoundRun,
    GuideStep,
    Link,
    ListedQuestion,
    LogLink,
    Notice,
    RunsFound,
    TroubleshootingPage,
)
from clew.web.wording import say_moment
from clew.web.zone.views import ZonePage
from harness.pages import Client
from harness.view_samples import Maker

EVIL = "</pre></script><script>alert(1)</script><b onclick=x>\"'&"
FAILED = Failures(frozenset({"api_request"}), has_flow=True)
MEMBER = build_layout(EVIL, member=EVIL, form_token=EVIL, failures=FAILED, path="/logs", search=EVIL)
STRANGER = build_layout(EVIL, member="", form_token=EVIL)
MOMENT = say_moment(1_780_000_000_000)
CHOICE = Choice(EVIL, "/logs", is_current=True)
ROW = Row(
    id="019a0000-0000-7000-8000-000000000001",
    href="/records/1",
    status="failure",
    state=EVIL,
    moment=MOMENT,
    day=EVIL,
    ended=MOMENT,
    kind=EVIL,
    source_product=EVIL,
    target_product=EVIL,
    arrow="→",
    event=EVIL,
    type=EVIL,
    key=EVIL,
    customer=EVIL,
    integration=EVIL,
    connection=EVIL,
    source=EVIL,
    message=EVIL,
    http_status=422,
    http_direction=EVIL,
    method=EVIL,
    url=EVIL,
    place=EVIL,
    payload_href="/records/1?tab=payload",
    scan=EVIL,
    outcome=Outcome(EVIL, "/records/1", is_failure=True),
    took="1 ms",
)
EVENT_ROW = EventRow(
    id="019a0000-0000-7000-8000-000000000001",
    href="/records/1",
    status="failure",
    word=EVIL,
    meaning=EVIL,
    moment=MOMENT,
    type=EVIL,
    message=EVIL,
    details=EVIL,
    more=(EVIL, EVIL),
)
RUN_ROW = RunRow(
    id="019a0000-0000-7000-8000-000000000001",
    href="/flow-runs/1",
    dot="running",
    state=EVIL,
    flow=EVIL,
    key=EVIL,
    customer=EVIL,
    integration=EVIL,
    connection=EVIL,
    launched_by=EVIL,
    launched_href="/records/1",
    nodes="3/4",
    message=EVIL,
    moment=MOMENT,
    day=EVIL,
    ended=MOMENT,
    took="1 ms",
)
ROWS = Rows(
    columns=columns_of(None),
    items=(ROW,),
    nothing=None,
    newer_href="/logs?cursor=a",
    older_href="",
    coverage=EVIL,
    warning=EVIL,
    sort_href="/logs?sort=asc",
    is_newest_first=True,
)
FIELDS = (
    FilterField(
        name="kind",
        label=EVIL,
        value=EVIL,
        shown=EVIL,
        options=(Option(EVIL, EVIL),),
        is_closed=True,
        facets_href="/logs/facets?of=kind",
    ),
    FilterField(name="customer", label=EVIL, value=EVIL, remove_href="/logs", options=(Option(EVIL, EVIL),), hint=EVIL),
    FilterField(name="q", label=EVIL, value=EVIL, notes=(EVIL, EVIL)),
)
LOGS = LogPage(
    layout=MEMBER,
    path="/logs",
    title=EVIL,
    subtitle=EVIL,
    counter=EVIL,
    failures=EVIL,
    segments=(CHOICE,),
    bounds=Bounds(EVIL, (CHOICE,), EVIL, EVIL),
    bounds_title=EVIL,
    fields=FIELDS,
    extra=(FilterField(name="error_type", label=EVIL, placeholder=EVIL, options=(Option(EVIL, EVIL),)),),
    active=(ActiveFilter(EVIL, EVIL, "/logs"),),
    hidden=(("flow", EVIL),),
    clear_href="/logs",
    refresh_href="/logs",
    downloads=(CHOICE,),
    preparation=None,
    views=ViewsMenu((SavedView(EVIL, "/logs", "/logs/views/1/delete", True, EVIL),), "/logs", EVIL, EVIL),
    legends=(Legend(EVIL, (Meaning("info", EVIL, EVIL),)),),
    chart_href="/logs/chart",
    live=Live("/logs?live=1", ""),
    rows=ROWS,
    trouble=Trouble(EVIL, EVIL, "/logs"),
)
CHART = Chart(
    href="/logs?from={from}&to={to}",
    from_ms=0,
    to_ms=60_000,
    step_ms=60_000,
    zone=EVIL,
    offset_ms=0,
    label=EVIL,
    caption=EVIL,
    total=1,
    legend=(Part("failure", 1, "/logs"), Part("info", 0, "")),
    bars=(ChartBar(MOMENT, EVIL, (Part("failure", 1, "/logs"), Part("info", 0, ""))),),
    is_truncated=True,
)
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
GRAPH = GraphView(
    EVIL,
    (
        GraphNode(id=EVIL, label=EVIL, about=EVIL, state=EVIL, dot="failure", href="/x", is_current=True),
        GraphNode(id="b", label=EVIL, about=EVIL, state=EVIL, dot="info", is_quiet=True),
    ),
    (GraphLink(EVIL, "b", is_taken=False),),
)
STEP = Step(
    name=EVIL,
    title=EVIL,
    href="/flow-runs/1?node=a",
    dot="failure",
    state=EVIL,
    about=EVIL,
    took=EVIL,
    is_current=True,
)
REQUEST = RequestRow(
    href="/records/5",
    dot="failure",
    moment=MOMENT,
    node=EVIL,
    method=EVIL,
    url=EVIL,
    http_status=422,
    message=EVIL,
    took=EVIL,
)
NODE_LINK = NodeLink(EVIL, "/flow-runs/1?node=b", has_failure=True)
NODE = NodePanel(
    name=EVIL,
    title=EVIL,
    dot="failure",
    words=EVIL,
    reason=EVIL,
    when=EVIL,
    place=EVIL,
    record_href="/records/2",
    skip=None,
    upstream=(NODE_LINK,),
    downstream=(NODE_LINK, NODE_LINK),
    attempts=(Attempt(EVIL, "/flow-runs/1?run=2", "info", is_current=True),),
    tabs=TABS,
    tab="error",
    causes=(CAUSE,),
)
RUN = FlowRunPage(
    layout=MEMBER,
    id="1",
    title=EVIL,
    flow_href="/flows/a",
    state=EVIL,
    dot="failure",
    moment=MOMENT,
    took=EVIL,
    launch=Launch(EVIL, "/records/1"),
    customer=EVIL,
    customer_href="/logs",
    source_product=EVIL,
    target_product=EVIL,
    arrow="→",
    record_href="/records/1",
    repeats_href="/flow-runs/0",
    because=BECAUSE,
    can_repeat=True,
    can_stop=True,
    is_open=True,
    message=Message(EVIL, EVIL),
    tabs=TABS,
    tab="graph",
)
LAST = LastRun("/flow-runs/1", "failure", EVIL, MOMENT, EVIL, EVIL, EVIL)
RATE = Rate("98 %", EVIL, "/logs/flow-runs", has_failure=True)
FLOW_ROW = FlowRow(
    key=EVIL,
    title=EVIL,
    href="/flows/a",
    integration=EVIL,
    trigger=EVIL,
    filter=EVIL,
    is_enabled=False,
    last=LAST,
    rate=RATE,
)
OK_ROW = msgspec.structs.replace(
    FLOW_ROW, is_enabled=True, last=None, rate=Rate("", EVIL, "/logs/flow-runs", has_failure=False)
)
NODE_ROW = NodeRow(
    name="a", title=EVIL, after=("b", "c"), when=EVIL, retries=EVIL, timeout=EVIL, on_error=EVIL, place=EVIL
)
FLOW = FlowPage(
    layout=MEMBER,
    key="a",
    title=EVIL,
    version=EVIL,
    place=EVIL,
    integration=EVIL,
    is_enabled=True,
    enabled_by=EVIL,
    can_switch=True,
    graph=GRAPH,
    events=(TriggerEvent(EVIL, EVIL, "/logs"), TriggerEvent("", EVIL, "/logs")),
    schedule=EVIL,
    filter=EVIL,
    concurrency=EVIL,
    nodes=(NODE_ROW, msgspec.structs.replace(NODE_ROW, name="b", after=(), when="")),
    rate=RATE,
    runs=(LAST,),
    runs_href="/logs/flow-runs",
    why_not_href="/troubleshooting?flow=f#integration-not-running",
)
FIGURE = Figure("3", EVIL, "/logs")
OVERVIEW = OverviewPage(
    layout=MEMBER,
    durations=(CHOICE,),
    span=EVIL,
    total=FIGURE,
    chart=CHART,
    attention=(
        Attention(dot="failure", what=EVIL, href="/logs", matter=EVIL, count="3", count_href="/logs"),
        Attention(dot="info", what=EVIL, href="/logs", matter=EVIL),
    ),
    failing=(FIGURE,),
    flows=(FlowLine(title=EVIL, href="/flows/a", is_enabled=False, runs=FIGURE, rate=RATE),),
    products=(Share(EVIL, "3", 100, "/logs"),),
    customers=(Share(EVIL, "1", 33, "/logs"),),
    failures=(
        FailureRow(
            href="/flow-runs/1", moment=MOMENT, day=EVIL, event=EVIL, key=EVIL, customer=EVIL, kind=EVIL, message=EVIL
        ),
    ),
    failures_href="/logs",
)


def run_tab(**fields: object) -> FlowRunPage:
    return msgspec.structs.replace(RUN, **fields)


def node_tab(**fields: object) -> FlowRunPage:
    return run_tab(graph=GRAPH, steps=(STEP,), node=msgspec.structs.replace(NODE, **fields))


def row_of(kind: str) -> AnyRow:
    return {"integration_event": EVENT_ROW, "flow_run": RUN_ROW}.get(kind, ROW)


def record_tab(**fields: object) -> RecordPage:
    return msgspec.structs.replace(RECORD, **fields)


SWITCH = SwitchRow(
    name=EVIL, log=EVIL, log_href="/logs", is_on=True, when_on=EVIL, when_off=EVIL, changed=EVIL, turn_href="/settings"
)
RETENTION = RetentionView(
    kinds=(KindRow(name=EVIL, href="/logs", kept=EVIL, records=EVIL, oldest=EVIL, size=EVIL),),
    room=EVIL,
    trouble=EVIL,
    removed=(RemovedRow(day=EVIL, what=EVIL, count=EVIL, size=EVIL, why=EVIL, when=EVIL),),
    pins=(
        PinRow(href="/records/1", title=EVIL, by=EVIL, when=EVIL, unpin_href="/records/1/unpin"),
        PinRow(href="/records/2", title=EVIL, by=EVIL, when=EVIL, unpin_href=""),
    ),
)
CHANGE = ChangeRow(
    moment=MOMENT,
    day=EVIL,
    actor=EVIL,
    action=EVIL,
    kind=EVIL,
    subject=EVIL,
    href="/products/erp",
    differences=(Difference(EVIL, EVIL, EVIL), Difference(EVIL, None, EVIL), Difference(EVIL, "", None)),
)
ACTIVITY = ActivityPage(
    layout=MEMBER,
    path="/settings/configuration-activity",
    bounds=Bounds(EVIL, (CHOICE,), EVIL, EVIL),
    kinds=("key", EVIL),
    kind=EVIL,
    actor=EVIL,
    within="7d",
    rows=(CHANGE, msgspec.structs.replace(CHANGE, href="", differences=())),
    searched=EVIL,
    clear_href="/settings",
    newest_href="/settings",
    older_href="/settings",
)
CHECK_ROW = CheckRow(
    question=EVIL,
    verdict="no",
    sentence=EVIL,
    evidence=(
        EvidenceRow(
            href="/records/1", sentence=EVIL, moment=MOMENT, day="21 Nov", clause=EVIL, expected=EVIL, actual=EVIL
        ),
        EvidenceRow(href="/records/1", sentence=EVIL, moment=MOMENT, day=""),
    ),
    more=EVIL,
    is_failure=True,
)
WALK = Answered(
    summary=EVIL,
    advice=EVIL,
    is_failure=True,
    steps=(
        GuideStep(number=1, title=EVIL, verdict="yes", checks=(msgspec.structs.replace(CHECK_ROW, is_failure=False),)),
        GuideStep(
            number=2,
            title=EVIL,
            verdict="no",
            checks=(CHECK_ROW, msgspec.structs.replace(CHECK_ROW, evidence=(), verdict="not_reached")),
            links=(Link(EVIL, "/logs"),),
            places=((EVIL, EVIL),),
            command=EVIL,
            command_note=EVIL,
            is_broken=True,
        ),
    ),
    searched=EVIL,
    ticket=EVIL,
    href="/troubleshooting?flow=f",
)
FAILURE_START = FailureStart(
    href="/records/1", event=EVIL, key=EVIL, customer=EVIL, message=EVIL, moment=MOMENT, day="21 Nov"
)
FOUND_RUN = FoundRun(
    href="/flow-runs/1", dot="running", title=EVIL, state=EVIL, key=EVIL, customer=EVIL, moment=MOMENT, day=""
)
GUIDE = TroubleshootingPage(
    layout=MEMBER,
    logs=(LogLink(EVIL, "/logs/api-requests", EVIL),),
    failures=(FAILURE_START, msgspec.structs.replace(FAILURE_START, key="", message="")),
    failures_href="/logs?status=failure",
    form=CheckForm(
        customer=EVIL,
        customers=(Option(EVIL, EVIL),),
        flow="f",
        groups=(FlowGroup(EVIL, (Option("f", EVIL), Option("g", EVIL))),),
        event_type=EVIL,
        event_types=(EVIL,),
        at=EVIL,
        within="15m",
        withins=(Option("15m", EVIL), Option("1h", EVIL)),
        from_text=EVIL,
        to_text=EVIL,
        is_by_bounds=True,
    ),
    checklist=(
        ListedQuestion(question=EVIL, how=EVIL, verdict="unknown", href="/logs"),
        ListedQuestion(question=EVIL, how=EVIL),
    ),
    example=EVIL,
    example_answer=EVIL,
    find=EVIL,
    found=RunsFound(text=EVIL, runs=(FOUND_RUN,), note="", href="/logs"),
    answer=WALK,
    flows=(FlowVerdict(title=EVIL, href="/troubleshooting?flow=f", summary=EVIL, dot="failure"),),
    notice=Notice(EVIL, EVIL),
)

SAMPLES: list[View] = [
    LOGS,
    msgspec.structs.replace(
        LOGS, rows=msgspec.structs.replace(ROWS, items=(), nothing=Nothing(EVIL, EVIL, (CHOICE,))), trouble=None
    ),
    msgspec.structs.replace(LOGS, rows=None, preparation=Preparation("/exports", (Option("csv", EVIL),))),
    msgspec.structs.replace(
        LOGS, rows=msgspec.structs.replace(ROWS, live_src="/logs/tail"), live=Live("/logs", "/logs/tail"), trouble=None
    ),
    RowsPart(rows=ROWS),
    RowsPart(rows=msgspec.structs.replace(ROWS, offer=CHOICE, scanning=Scanning(EVIL, "/logs?cursor=a", "/logs/scan"))),
    LiveRow(columns=ROWS.columns, row=ROW),
    ScannedRows(columns=ROWS.columns, items=(ROW, ROW)),
    record_tab(details=DETAILS),
    record_tab(tab="data", data=DATA),
    record_tab(tab="data", data=Data(EVIL, "success", "", (), EVIL)),
    record_tab(tab="data", data=Data(EVIL, "success", "", (), "")),
    record_tab(
        tab="payload", payload=Payload(body=BODY, is_raw=True, tree_href="/a", raw_href="/b", download_href="/c")
    ),
    record_tab(
        tab="payload",
        payload=Payload(
            body=msgspec.structs.replace(BODY, tree=TREE), is_raw=False, tree_href="/", raw_href="/", download_href="/"
        ),
    ),
    record_tab(tab="http", exchange=EXCHANGE),
    record_tab(tab="error", causes=(msgspec.structs.replace(CAUSE, is_reason=False), CAUSE)),
    record_tab(details=msgspec.structs.replace(DETAILS, launches=LAUNCHES)),
    record_tab(details=msgspec.structs.replace(DETAILS, launches=Launches((), (), EVIL, "")), because=None),
    record_tab(details=msgspec.structs.replace(DETAILS, collected=Collected((COLLECTED,), "", 3))),
    record_tab(details=msgspec.structs.replace(DETAILS, collected=Collected((), EVIL, 0)), heading=""),
    record_tab(details=msgspec.structs.replace(DETAILS, data=DATA, groups=(), redacted=())),
    record_tab(tab="logs", lines=LINES),
    record_tab(tab="logs", lines=Lines((), 0)),
    record_tab(tab="trace", thread=THREAD, because=None, status="success"),
    *(
        RowsPart(rows=msgspec.structs.replace(ROWS, columns=columns, items=(row_of(kind),)))
        for kind, columns in OF_KIND.items()
    ),
    ChartPart(chart=CHART),
    FacetsPart(choices=(FacetChoice(EVIL, "/logs", EVIL, EVIL, is_current=True),), note=""),
    FacetsPart(choices=(), note=EVIL),
    node_tab(),
    node_tab(tab="input", input=TREE, skip=Skip(EVIL, EVIL, EVIL, EVIL)),
    node_tab(tab="input", skip=Skip("", "", "", EVIL), attempts=(), upstream=(), downstream=()),
    node_tab(tab="output", output=BODY),
    node_tab(tab="output", when=""),
    node_tab(tab="logs", lines=LINES),
    node_tab(tab="requests", requests=(REQUEST,)),
    node_tab(tab="", tabs=(), record_href="", place=""),
    run_tab(graph=GRAPH, steps=(), because=None, message=None, can_stop=False, can_repeat=False, launch=None),
    run_tab(tab="error", causes=(CAUSE,), failed=(STEP, STEP), is_open=False),
    run_tab(tab="logs", lines=LINES),
    run_tab(tab="input", input=BODY),
    run_tab(tab="input"),
    run_tab(tab="requests", requests=(REQUEST,)),
    run_tab(tab="requests"),
    FlowsPage(layout=MEMBER, counter=EVIL, flows=(FLOW_ROW, OK_ROW)),
    FlowsPage(layout=MEMBER, counter=EVIL, flows=()),
    FLOW,
    msgspec.structs.replace(FLOW, is_enabled=False, events=(), schedule="", filter="", runs=()),
    OVERVIEW,
    msgspec.structs.replace(OVERVIEW, failing=(), flows=(), failures=(), attention=(), products=(), customers=()),
    OverviewPage(layout=MEMBER, durations=(), first_steps=FirstSteps(EVIL, EVIL, EVIL, EVIL)),
    OverviewPage(layout=MEMBER, durations=(CHOICE,), trouble=Trouble(EVIL, EVIL, "/")),
    GUIDE,
    msgspec.structs.replace(
        GUIDE, failures=(), found=RunsFound(text=EVIL, runs=(), note=EVIL, href="/logs"), answer=None, notice=None
    ),
    msgspec.structs.replace(GUIDE, found=None, answer=msgspec.structs.replace(WALK, is_failure=False, advice="")),
    SignInPage(layout=STRANGER, email=EVIL, next=EVIL, refusal=Refusal(EVIL, EVIL)),
    SignInPage(layout=STRANGER),
    ZonePage(layout=MEMBER, names=("UTC", "Europe/Berlin"), chosen="Europe/Berlin", now="22 Nov 06:41", next=EVIL),
    ACTIVITY,
    msgspec.structs.replace(ACTIVITY, rows=(), within="", newest_href="", older_href=""),
    msgspec.structs.replace(ACTIVITY, rows=(), trouble=Trouble(EVIL, EVIL, "/settings")),
    LoggingPage(
        layout=MEMBER,
        switches=(SWITCH,),
        retention=RETENTION,
        kept=(Kept(EVIL, EVIL, EVIL), Kept(EVIL, EVIL)),
        note=EVIL,
    ),
    LoggingPage(
        layout=MEMBER,
        switches=(msgspec.structs.replace(SWITCH, is_on=False, changed="", turn_href=""),),
        retention=RetentionView(kinds=(), room=EVIL, trouble="", removed=(), pins=()),
        kept=(),
        note="",
    ),
    LinkPage(layout=STRANGER, action="/sign-in/link/x", is_first=True, email=EVIL, refusal=Refusal(EVIL, "")),
    LinkPage(layout=STRANGER, action="/sign-in/link/x", is_first=False),
    FailurePage(layout=MEMBER, status=404, title=EVIL, detail=EVIL, hint=EVIL),
    FailurePage(layout=STRANGER, status=500, title=EVIL, detail=EVIL, is_signed_in=False),
]


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(StaticFiles())


class Checker(HTMLParser):
    """Notes what a strict policy refuses, what is not closed, and which ids and labels there are."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[tuple[str, bool]] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "style" in given or tag == "style" or any(name.startswith("on") for name in given):
            self.wrong.append(f"inline in <{tag}>: {attrs}")
        if tag == "script" and not str(given.get("src", "")).startswith("/static/"):
            self.wrong.append(f"script {attrs}")
        if any(str(given.get(name, "")).startswith(("javascript:", "http")) for name in ("href", "src", "action")):
            self.wrong.append(f"leads away: {attrs}")
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag == "label" and "for" in given:
            self.labelled.add(str(given["for"]))
        if tag in ("input", "select") and given.get("type") != "hidden":
            self.controls.append((str(given.get("id")), "label" in self.open))
        if tag == "h1":
            self.headings.append(tag)
        if tag == "th" and "scope" not in given:
            self.wrong.append("a th without scope")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            if not self.open or self.open[-1] != tag:
                self.wrong.append(f"</{tag}> closes {self.open[-3:]}")
            else:
                self.open.pop()

    def problems(self) -> Iterator[str]:
        yield from self.wrong
        yield from (f"not closed: {tag}" for tag in self.open)
        yield from (f"twice: {name}" for name in self.ids if self.ids.count(name) > 1)
        yield from (f"no label: {name}" for name, inside in self.controls if not inside and name not in self.labelled)


def all_views(root: type[View]) -> Iterable[type[View]]:
    for view in root.__subclasses__():
        yield view
        yield from all_views(view)


BY_HAND = {type(view) for view in SAMPLES}
"""Views whose parts depend on one another; of all others samples are made from their types."""
MADE = [sample for view in all_views(View) if view not in BY_HAND for sample in Maker(EVIL, MEMBER).samples(view)]


@pytest.mark.parametrize("view", [*SAMPLES, *MADE], ids=lambda view: view.template)
def test_every_template_renders_from_its_view_escaped_labelled_and_without_anything_inline(
    templates: Templates, view: View
) -> None:
    html = templates.render(view)
    checker = Checker()
    checker.feed(html)
    assert list(checker.problems()) == []
    assert "<script>alert" not in html
    assert "<b onclick" not in html
    if "<html" in html:
        assert len(checker.headings) == 1


def test_every_template_has_a_sample() -> None:
    names = {path.relative_to(TEMPLATES_DIR).as_posix() for path in TEMPLATES_DIR.rglob("*.html")}
    used = {view.template for view in [*SAMPLES, *MADE]} | {"layout.html", "ui.html"}
    used |= {f"record/_{view.tab}.html" for view in SAMPLES if isinstance(view, RecordPage)}
    for name in names:  # parts that others include, and macros
        used |= set(re.findall(r'{% (?:include|import|from) "([^"~]+\.html)"', (TEMPLATES_DIR / name).read_text()))
    assert names == used


def test_a_name_that_a_view_does_not_have_is_an_error(templates: Templates) -> None:
    with pytest.raises(UndefinedError):
        templates.render(RowsPart(rows=ROWS), "failure/page.html")


@pytest.mark.parametrize("sheet", [path.name for path in sorted(STATIC_DIR.glob("*.css"))])
def test_a_style_sheet_stays_small_and_red_stays_with_failure(sheet: str) -> None:
    css = (STATIC_DIR / sheet).read_text()
    assert len(css.splitlines()) < 400
    red = [line.split("{")[0].strip() for line in css.splitlines() if "var(--fail" in line]
    allowed = re.compile(r"\.bad|failure|\.below|cause|because|\.on\b|error", re.ASCII)
    assert [selector for selector in red if not allowed.search(selector)] == []


@pytest.mark.parametrize("path", ["/logs", "/logs?status=red", "/sign-in", "/nonsense", "/logs/nonsense", "/records/x"])
def test_every_answer_carries_the_security_headers(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


def test_what_is_not_there_is_a_page_in_the_same_layout(client: Client) -> None:
    for path in ("/nonsense/<b>", "/logs/flow-runs/<b>", "/records/1/<b>", "/activity/<b>"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert '<nav class="side"' in answer.text
        assert f"There is nothing at {path.replace('<b>', '&lt;b&gt;')}." in answer.text


def test_a_mistake_of_ours_is_a_page_that_shows_nothing_of_its_inside(
    client: Client, registry: Registry, refused_order: dict[str, Record], caplog: pytest.LogCaptureFixture
) -> None:
    registry.customers.find_all = None  # type: ignore[assignment]  # any call of it is now a mistake
    answer = client.get("/logs")
    assert answer.status_code == 500
    assert "The server made a mistake" in answer.text
    assert "NoneType" not in answer.text
    assert "NoneType" in caplog.text


def test_a_file_is_kept_for_ever_under_its_digest_and_asked_for_again_without(stranger: Client) -> None:
    href = StaticFiles().href("app.css")
    answer = stranger.get(href)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    plain = stranger.get("/static/app.css")
    assert plain.headers["cache-control"] == "no-cache"
    again = stranger.get("/static/app.css", headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["../pages.py", "..%2fpages.py", "%2e%2e/pages.py", "nothing.css", "vendor/"])
def test_nothing_but_the_packages_files_is_served(stranger: Client, name: str) -> None:
    answer = stranger.get(f"/static/{name}")
    assert answer.status_code in (303, 404)
    assert "import" not in answer.text


def test_only_files_that_a_page_uses_are_served(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    (tmp_path / "secret.txt").write_text("x")
    files = StaticFiles(tmp_path)
    assert files.respond("a.css", "", "").content == b"a {}"
    with pytest.raises(Exception, match="no file"):
        files.respond("secret.txt", "", "")


def test_htmx_adds_no_style_sheet_of_its_own(templates: Templates) -> None:
    assert '"includeIndicatorCSS": false' in templates.render(LOGS)
