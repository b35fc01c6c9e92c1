"""What the troubleshooting page shows."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.diagnosis.why_not_words import CheckVerdict
from clew.web.dots import Dot
from clew.web.layout import Layout
from clew.web.logs.views import Option
from clew.web.rendering import View
from clew.web.wording import Moment


class Link(msgspec.Struct, frozen=True):
    """A link and what it is called."""

    label: str
    href: str


class LogLink(msgspec.Struct, frozen=True):
    """One of the six logs, and what it has."""

    label: str
    href: str
    sentence: str


class FailureStart(msgspec.Struct, frozen=True, kw_only=True):
    """Something that failed lately: where the red dots begin."""

    href: str
    event: str
    key: str
    customer: str
    message: str
    moment: Moment
    day: str


class FoundRun(msgspec.Struct, frozen=True, kw_only=True):
    """A flow run that was found."""

    href: str
    dot: Dot
    title: str
    state: str
    key: str
    customer: str
    moment: Moment
    day: str


class RunsFound(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of what was looked for. `note` says what was searched where there is none, `href` where else to look."""

    text: str
    runs: tuple[FoundRun, ...]
    note: str
    href: str


class FlowGroup(msgspec.Struct, frozen=True):
    """The flows of one integration, as a group of a drop-down."""

    label: str
    options: tuple[Option, ...]


class CheckForm(msgspec.Struct, frozen=True, kw_only=True):
    """The form of the guided check, with what was asked. `is_by_bounds`: From and To are given."""

    customer: str
    customers: tuple[Option, ...]
    flow: str
    groups: tuple[FlowGroup, ...]
    event_type: str
    event_types: tuple[str, ...]
    at: str
    within: str
    withins: tuple[Option, ...]
    from_text: str
    to_text: str
    is_by_bounds: bool


class EvidenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record that shows it. For a filter: the condition, what it wants, what it saw."""

    href: str
    sentence: str
    moment: Moment
    day: str
    clause: str = ""
    expected: str = ""
    actual: str = ""


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the chain within a step. `is_failure`: something failed there, else it only did not hold."""

    question: str
    verdict: CheckVerdict
    sentence: str
    evidence: tuple[EvidenceRow, ...] = ()
    more: str = ""
    is_failure: bool = False


class GuideStep(msgspec.Struct, frozen=True, kw_only=True):
    """One of the five steps. `is_broken`: the first broken link is here. `command` is what to
    try by hand, `command_note` what to know of it.

    `links` lead to the evidence and to where the thing is configured; `places` are named with what stands for them.
    """

    number: int
    title: str
    verdict: CheckVerdict
    checks: tuple[CheckRow, ...]
    links: tuple[Link, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    command: str = ""
    command_note: str = ""
    is_broken: bool = False


class ListedQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A thing to check for an event that comes by a webhook. `verdict` is the answer where the log has it."""

    question: str
    how: str
    verdict: CheckVerdict | None = None
    href: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """Why it did not run: a sentence for the ticket, and the five steps.

    `ticket` is all of it as text to paste, `href` the link that says the same tomorrow.
    """

    summary: str
    advice: str
    is_failure: bool
    steps: tuple[GuideStep, ...]
    searched: str
    ticket: str
    href: str


class FlowVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One flow of an integration, and what is to be said of it. `is_failure`: its run failed."""

    title: str
    href: str
    summary: str
    dot: Dot


class Notice(msgspec.Struct, frozen=True):
    """Why a question could not be answered."""

    detail: str
    hint: str


class TroubleshootingPage(View, frozen=True, kw_only=True):
    """Monitoring & Troubleshooting. `answer` is that of the guided check; `flows` where a whole integration was asked.

    `checklist` is what to check for events that come by webhook, with answers where a question was asked.
    """

    template: ClassVar[str] = "troubleshooting/page.html"

    layout: Layout
    logs: tuple[LogLink, ...]
    failures: tuple[FailureStart, ...]
    failures_href: str
    form: CheckForm
    checklist: tuple[ListedQuestion, ...]
    example: str
    example_answer: str
    found: RunsFound | None = None
    find: str = ""
    answer: Answered | None = None
    flows: tuple[FlowVerdict, ...] = ()
    notice: Notice | None = None
