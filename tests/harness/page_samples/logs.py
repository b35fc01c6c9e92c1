"""Samples of the logs and their parts."""

from __future__ import annotations

from clew.web.chart import Chart, ChartBar, Part
from clew.web.legend import Legend, Meaning
from clew.web.logs.columns import columns_of
from clew.web.logs.views import (
    ActiveFilter,
    AnyRow,
    Bounds,
    EventRow,
    FilterField,
    Live,
    LogPage,
    Option,
    Outcome,
    Row,
    Rows,
    RunRow,
    SavedView,
    Trouble,
    ViewsMenu,
)
from harness.page_samples.layout import CHOICE, EVIL, MEMBER, MOMENT

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


def row_of(kind: str) -> AnyRow:
    return {"integration_event": EVENT_ROW, "flow_run": RUN_ROW}.get(kind, ROW)
