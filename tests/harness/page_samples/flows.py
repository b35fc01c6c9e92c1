"""Samples of the pages of flows and of their runs."""

from __future__ import annotations

import msgspec

from clew.web.flow_run.views import Attempt, FlowRunPage, Launch, Message, NodeLink, NodePanel, RequestRow, Step
from clew.web.flows.views import FlowPage, FlowRow, LastRun, NodeRow, Rate, TriggerEvent
from clew.web.graph import GraphLink, GraphNode, GraphView
from harness.page_samples.layout import EVIL, MEMBER, MOMENT
from harness.page_samples.record import BECAUSE, CAUSE, TABS

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


def run_tab(**fields: object) -> FlowRunPage:
    return msgspec.structs.replace(RUN, **fields)


def node_tab(**fields: object) -> FlowRunPage:
    return run_tab(graph=GRAPH, steps=(STEP,), node=msgspec.structs.replace(NODE, **fields))
