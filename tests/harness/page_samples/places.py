"""Samples of the overview, the settings and the guided check."""

from __future__ import annotations

import msgspec

from clew.web.logs.views import Bounds, Option
from clew.web.overview.views import Attention, FailureRow, Figure, FlowLine, OverviewPage, Share
from clew.web.settings.views import (
    ActivityPage,
    ChangeRow,
    Difference,
    KindRow,
    PinRow,
    RemovedRow,
    RetentionView,
    SwitchRow,
)
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
from harness.page_samples.flows import RATE
from harness.page_samples.layout import CHOICE, EVIL, MEMBER, MOMENT
from harness.page_samples.logs import CHART

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
