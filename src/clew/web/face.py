"""What every page needs to be made: the parts it asks, who is signed in, and the way from a view to a response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from clew.core.clock import Clock
from clew.core.errors import NotAllowed
from clew.core.settings import Settings
from clew.diagnosis.application_events import ApplicationEvents
from clew.diagnosis.flow_runs import FlowRuns
from clew.diagnosis.why_not import WhyNots
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSettings
from clew.flows.republishing import Republisher
from clew.flows.runner import Runner
from clew.log.parameters import FilterParser
from clew.log.retention import Retention
from clew.log.search import Search
from clew.log.tail import LiveTail
from clew.operations.exports import Exports
from clew.registry.members import HASHES_AT_ONCE
from clew.registry.registry import Registry
from clew.registry.sessions import Session
from clew.web.failing import Failing
from clew.web.flows.health import FlowHealth
from clew.web.layout import Layout, build_layout
from clew.web.names import Names
from clew.web.rendering import Templates, View
from clew.web.security import TOKEN_FIELD, form_secret_of, form_token, is_form_token
from clew.web.static_files import StaticFiles

HttpRequest = Request[Any, Any, Any]


class WebFace:
    """The parts that the pages share. One for the whole server.

    `flows` are those that are declared, by key; without a `runner` none is stopped or repeated here, without
    `flow_settings` none enabled or disabled, without a `republisher` no event republished, without a `tail` none shown.
    """

    def __init__(
        self,
        *,
        search: Search,
        parser: FilterParser,
        registry: Registry,
        settings: Settings,
        clock: Clock,
        flows: Mapping[str, Flow] | None = None,
        runner: Runner | None = None,
        flow_settings: FlowSettings | None = None,
        republisher: Republisher | None = None,
        exports: Exports | None = None,
        tail: LiveTail | None = None,
        retention: Retention | None = None,
    ) -> None:
        self.search = search
        self.tail = tail
        self.retention = retention
        self.parser = parser
        self.registry = registry
        self.settings = settings
        self.clock = clock
        self.flows = flows = flows or {}
        self.runner = runner
        self.flow_settings = flow_settings
        self.republisher = republisher
        self.exports = exports
        self.runs = FlowRuns(flows, runner, search)
        self.why_nots = WhyNots(
            flows=flows, runner=runner, flow_settings=flow_settings, registry=registry, search=search, clock=clock
        )
        self.events = ApplicationEvents(search)
        # A password's hash takes a core for a tenth of a second: with threads of its own it keeps nobody from reading.
        self.hashing = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="sign-in")
        self.static = StaticFiles()
        self.templates = Templates(self.static)
        self.failing = Failing(search, parser, clock, flows)
        self.health = FlowHealth(search, parser, clock, flows)

    async def layout(self, session: Session, title: str, *, path: str = "", search: str = "") -> Layout:
        """The layout of a page for who is signed in."""
        return build_layout(
            title,
            member=session.member.email,
            form_token=session.csrf_token,
            failures=await self.failing.find(session.member.workspace),
            path=path,
            search=search,
            is_admin=session.member.role == "admin",
        )

    def names(self, workspace: str, customers: Iterable[str]) -> Names:
        """What products, integrations and these customers are called."""
        found = self.registry.customers.find_all(workspace, (key for key in customers if key))
        return Names(
            product=lambda key: self.registry.products.title(workspace, key),
            customer=lambda key: found[key].name if key in found else key,
            integration=lambda key: self.registry.integrations.title(workspace, key),
        )

    def flow_title(self, key: str) -> str:
        """What people call a flow: its title where it is declared, else its key."""
        return self.flows[key].title if key in self.flows else key

    def is_enabled(self, workspace: str, flow: Flow) -> bool:
        """Whether events and schedules may launch a flow."""
        if self.flow_settings is None:
            return flow.enabled
        return self.flow_settings.is_enabled(workspace, flow.key, declared=flow.enabled)

    def respond(
        self, view: View, *, status: int = 200, template: str | None = None, cookies: Sequence[Cookie] = ()
    ) -> Response[str]:
        """The view as a response, by its own template or by a part of it."""
        html = self.templates.render(view, template)
        return Response(html, status_code=status, media_type="text/html", cookies=cookies)


Face: TypeAlias = NamedDependency[WebFace]
"""What a handler asks for under the name `face`."""


def session_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Session:
    """Who is signed in, as the guard found."""
    session = connection.state.session
    assert isinstance(session, Session)
    return session


def stranger_layout(request: HttpRequest, title: str, secret: str = "") -> Layout:
    """The layout of a page for someone who is not signed in. `secret`: of the cookie that this response sets."""
    return build_layout(title, member="", form_token=form_token(secret or form_secret_of(request)))


async def read_form(request: HttpRequest) -> dict[str, str]:
    """The fields of a form that came as text."""
    fields = await request.form()
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def check_stranger_form(request: HttpRequest, form: dict[str, str]) -> None:
    """Raise `NotAllowed` for a form that did not come from a page of ours that this browser got."""
    if not is_form_token(form_secret_of(request), form.get(TOKEN_FIELD, "")):
        raise _foreign_form()


def check_member_form(session: Session, form: dict[str, str]) -> None:
    """Raise `NotAllowed` for a form that did not come from a page of this session."""
    if not session.accepts(form.get(TOKEN_FIELD, "")):
        raise _foreign_form()


def can_operate(session: Session) -> bool:
    """Whether who is signed in may run, stop and switch flows."""
    return session.member.role in ("admin", "support")


def check_operator(session: Session) -> None:
    """Raise `NotAllowed` for who may only look."""
    if not can_operate(session):
        raise NotAllowed(
            f"{session.member.email} may look at flows, but not run, stop or switch them.",
            hint="Ask an administrator for the role support.",
        )


def _foreign_form() -> NotAllowed:
    return NotAllowed(
        "This form did not come from a page that this browser was given.",
        hint="Open the page again and send the form from there; the browser must keep cookies.",
    )
