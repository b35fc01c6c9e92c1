"""The server's ASGI application: the hot ways in, the API, and the pages it is given."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Request, Router, route
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from clew.api.answers import Answers
from clew.api.audit import build_audit
from clew.api.authentication import provide_principal
from clew.api.backups import build_backups
from clew.api.connected import build_connected
from clew.api.connections import build_connections
from clew.api.diagnosis import build_diagnosis, build_why_not
from clew.api.docs import build_docs
from clew.api.events import PATH as EVENTS_PATH
from clew.api.events import build_events, describe_events
from clew.api.flows import build_flows
from clew.api.front_door import FrontDoor
from clew.api.health import Check, build_health
from clew.api.idempotency import IdempotentPosts
from clew.api.intake import Intake
from clew.api.pins import build_pins
from clew.api.problems import HANDLERS
from clew.api.records import RecordReader, build_records
from clew.api.request_records import RequestRecords
from clew.api.scans import build_scans
from clew.api.steps import build_steps
from clew.api.switches import build_switches
from clew.api.tail import build_tails
from clew.api.views import build_views
from clew.api.webhooks import PREFIX as WEBHOOKS_PREFIX
from clew.api.webhooks import WebhookIntake, build_webhooks, describe_webhooks
from clew.core.errors import NotFound
from clew.core.settings import Settings
from clew.diagnosis.flow_runs import FlowRuns
from clew.diagnosis.why_not import WhyNots
from clew.flows.flows import Flows
from clew.log.parameters import FilterParser
from clew.log.search import Search
from clew.log.tail import LiveTail
from clew.operations.backups import Backups
from clew.registry.registry import Registry


def build_app(
    *,
    intake: Intake,
    webhooks: WebhookIntake,
    requests: RequestRecords,
    answers: Answers,
    search: Search,
    tail: LiveTail,
    parser: FilterParser,
    registry: Registry,
    flows: Flows,
    runs: FlowRuns,
    why_nots: WhyNots,
    settings: Settings,
    backups: Backups,
    checks: Mapping[str, Check],
    pages: Router,
) -> ASGIApp:
    """The application. `pages` are the routes for people."""
    post_events = build_events(intake, registry.keys, settings)
    receive_webhook = build_webhooks(webhooks, settings)
    reader = RecordReader(search, parser)
    api = Router(
        "/",
        route_handlers=[
            describe_events(post_events),
            build_steps(intake, registry.keys, settings),
            describe_webhooks(receive_webhook),
            build_records(reader, registry.keys),
            build_tails(tail, parser, registry.keys, settings.tail_ping_s),
            build_scans(search, parser, registry.keys),
            build_diagnosis(search, registry.keys, registry.products.title),
            build_why_not(why_nots, registry.keys),
            *build_flows(flows, runs, reader, registry.keys),
            *build_connected(registry),
            *build_connections(registry),
            *build_switches(registry),
            *build_views(registry),
            *build_pins(search, registry),
            build_audit(registry),
            build_backups(backups, registry.keys),
            build_health(checks),
            build_docs(),
            _answer_nothing,
        ],
        dependencies={"principal": Provide(provide_principal, sync_to_thread=False)},
        exception_handlers=HANDLERS,
    )
    app = Litestar(
        [api, pages],
        openapi_config=_describe(),
        request_max_body_size=settings.max_request_bytes,
        exception_handlers=HANDLERS,
        logging_config=None,
    )
    once = IdempotentPosts(app, answers, registry.keys, settings.max_request_bytes)
    return FrontDoor(once, {("POST", EVENTS_PATH): post_events}, {WEBHOOKS_PREFIX: receive_webhook}, requests)


@route("/v1/{rest:path}", http_method=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def _answer_nothing(request: Request[Any, Any, Any], rest: str) -> None:
    raise NotFound(
        f"There is nothing at {request.url.path[:200]}.", hint="The whole API is described at /openapi.json."
    )


def _describe() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Clew",
        version=version("clew"),
        description="Follow the thread from an order to the reason why it is not there.",
        components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
        security=[{"key": []}],
        use_handler_docstrings=True,
        path=None,
        render_plugins=[],
    )
