"""What stands around every page: navigation with its red dots, the Logs menu, the search, who is signed in."""

from __future__ import annotations

import msgspec

from clew.core.record import Kind
from clew.web.failing import NONE, Failures


class LogName(msgspec.Struct, frozen=True):
    """One log: its kind (None: all of them), where it is, and what the navigation and its own page call it."""

    kind: Kind | None
    path: str
    label: str
    title: str
    subtitle: str = ""


ALL_RECORDS = LogName(None, "/logs", "All records", "All records")
INTEGRATION_EVENTS = LogName(
    "integration_event",
    "/logs/integration-events",
    "Integration Events",
    "Integration Events Log",
    "View a list of all the integration events associated with your account",
)
SIX_LOGS = (
    LogName("api_request", "/logs/api-requests", "API Requests", "API Requests"),
    LogName("external_webhook", "/logs/external-webhooks", "External Webhooks", "External Webhooks"),
    LogName("external_event_pull", "/logs/external-event-pulls", "External Event Pulls", "External Event Pulls"),
    LogName("external_event", "/logs/external-events", "External Events", "External Events"),
    LogName("internal_event", "/logs/internal-events", "Internal Events", "Internal Events"),
    LogName("flow_run", "/logs/flow-runs", "Flow Runs", "Flow Runs"),
)
LOGS = (ALL_RECORDS, INTEGRATION_EVENTS, *SIX_LOGS)
FORMER_PATHS = {
    "/activity/data-source-events": "/logs/external-events",
    "/activity/app-events": "/logs/internal-events",
}
"""Names that these logs had before, and where they are now."""


OVERVIEW_PATH = "/"
FLOWS_PATH = "/flows"
CUSTOMERS_PATH = "/customers"
PRODUCTS_PATH = "/products"
INTEGRATIONS_PATH = "/integrations"
CONNECTIONS_PATH = "/connections"
TROUBLESHOOTING_PATH = "/troubleshooting"
ACTIVITY_PATH = "/settings/configuration-activity"
LOGGING_PATH = "/settings/logging"
ZONE_PATH = "/settings/time-zone"

_CONNECTED = (
    ("Customers", CUSTOMERS_PATH),
    ("Products", PRODUCTS_PATH),
    ("Integrations", INTEGRATIONS_PATH),
    ("Connections", CONNECTIONS_PATH),
)
_HELP = (
    ("Troubleshooting", TROUBLESHOOTING_PATH),
    ("Logging", LOGGING_PATH),
    ("Configuration Activity", ACTIVITY_PATH),
)


class NavItem(msgspec.Struct, frozen=True):
    """A link of the navigation. `has_failure`: something of this kind failed in the last 24 hours."""

    label: str
    href: str
    is_current: bool
    has_failure: bool


class NavGroup(msgspec.Struct, frozen=True):
    """Links that belong together, under a name; "" for the first ones."""

    label: str
    items: tuple[NavItem, ...]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around a page. `member` is the e-mail of who is signed in; empty, the page has no navigation.

    `nav` is groups of links with their names; the menu of logs is `menu`. `form_token` is for every form on the page.
    `search` is what the search box holds.
    """

    title: str
    form_token: str
    member: str = ""
    nav: tuple[NavGroup, ...] = ()
    menu: tuple[NavItem, ...] = ()
    search: str = ""


def build_layout(
    title: str,
    *,
    member: str,
    form_token: str,
    failures: Failures = NONE,
    path: str = "",
    search: str = "",
    is_admin: bool = True,
) -> Layout:
    """The layout of a page for who is signed in. `path` is the page of the navigation that this is, or belongs to.

    Who is no administrator is shown no way to what only administrators may see.
    """
    help_pages = tuple(page for page in _HELP if is_admin or page[1] != ACTIVITY_PATH)
    logs = {log.path: _nav_item(log, path, failures) for log in LOGS}
    overview = NavItem("Overview", OVERVIEW_PATH, path == OVERVIEW_PATH, bool(failures.kinds))
    flows = NavItem("Flows", FLOWS_PATH, path == FLOWS_PATH, failures.has_flow)
    return Layout(
        title=title,
        form_token=form_token,
        member=member,
        nav=(
            NavGroup("", (overview,)),
            NavGroup("Logs", tuple(logs.values())),
            NavGroup("Connected", (*_quiet_items(_CONNECTED, path), flows)),
            NavGroup("Help and settings", _quiet_items(help_pages, path)),
        ),
        menu=tuple(logs[log.path] for log in (INTEGRATION_EVENTS, *SIX_LOGS)),
        search=search,
    )


def _quiet_items(pages: tuple[tuple[str, str], ...], path: str) -> tuple[NavItem, ...]:
    return tuple(NavItem(label, href, href == path, False) for label, href in pages)


def _nav_item(log: LogName, path: str, failures: Failures) -> NavItem:
    has_failure = bool(failures.kinds) if log.kind is None else log.kind in failures.kinds
    return NavItem(log.label, log.path, log.path == path, has_failure)
