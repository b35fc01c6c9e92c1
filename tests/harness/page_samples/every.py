"""A sample of every page whose parts depend on one another, and of each of its states."""

from __future__ import annotations

import msgspec

from clew.web.failures import FailurePage
from clew.web.flow_run.views import Skip
from clew.web.flows.views import FlowsPage
from clew.web.lines import Lines
from clew.web.logs.columns import OF_KIND
from clew.web.logs.views import (
    ChartPart,
    FacetChoice,
    FacetsPart,
    Live,
    LiveRow,
    Nothing,
    Option,
    Preparation,
    RowsPart,
    ScannedRows,
    Scanning,
    Trouble,
)
from clew.web.overview.views import FirstSteps, OverviewPage
from clew.web.record.collected import Collected
from clew.web.record.launches import Launches
from clew.web.record.views import Data, Payload
from clew.web.rendering import View
from clew.web.settings.views import Kept, LoggingPage, RetentionView
from clew.web.sign_in.views import LinkPage, Refusal, SignInPage
from clew.web.troubleshooting.views import RunsFound
from clew.web.zone.views import ZonePage
from harness.page_samples.flows import FLOW, FLOW_ROW, GRAPH, OK_ROW, REQUEST, STEP, node_tab, run_tab
from harness.page_samples.layout import CHOICE, EVIL, MEMBER, STRANGER
from harness.page_samples.logs import CHART, LOGS, ROW, ROWS, row_of
from harness.page_samples.places import ACTIVITY, GUIDE, OVERVIEW, RETENTION, SWITCH, WALK
from harness.page_samples.record import (
    BODY,
    CAUSE,
    COLLECTED,
    DATA,
    DETAILS,
    EXCHANGE,
    LAUNCHES,
    LINES,
    THREAD,
    TREE,
    record_tab,
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
