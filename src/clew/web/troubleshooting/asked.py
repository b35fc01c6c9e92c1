"""What the page is asked, as its URL says it: for whom, what should have run, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

import msgspec

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, to_rfc3339
from clew.core.errors import BadRequest, UnknownFilter
from clew.diagnosis.why_not import WhyNotRequest
from clew.web.layout import TROUBLESHOOTING_PATH
from clew.web.links import NOT_RUNNING
from clew.web.logs.url import LogUrl
from clew.web.time_zone import Bound, find_zone, read_local

WITHIN_MS = {"5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS, "6h": 6 * HOUR_MS, "24h": DAY_MS}
"""How far around a moment is looked, by what the URL says."""
DEFAULT_WITHIN = "15m"
OF_INTEGRATION = "integration:"
"""Before an integration's key, where any of its flows is meant."""
NAMES = ("customer", "flow", "event_type", "at", "within", "from", "to", "zone", "find")
MAX_TEXT = 200


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of the URL. `flow` is a flow's key, or `integration:` and an integration's.

    `at` with `within` is a moment and how far around it, `from_text` and `to_text` a stretch: they win. Typed without
    an offset they are in `zone`. `find` is the order or run that is looked for.
    """

    customer: str = ""
    flow: str = ""
    event_type: str = ""
    at: str = ""
    within: str = DEFAULT_WITHIN
    from_text: str = ""
    to_text: str = ""
    zone: str = ""
    find: str = ""

    @property
    def is_question(self) -> bool:
        """Whether it asks why something did not run."""
        return bool(self.customer or self.flow or self.event_type or self.at or self.from_text or self.to_text)

    @property
    def integration(self) -> str:
        """The integration any of whose flows is meant, "" for one flow."""
        return self.flow.removeprefix(OF_INTEGRATION) if self.flow.startswith(OF_INTEGRATION) else ""

    def of_flow(self, key: str) -> Asked:
        """The same question about one flow."""
        return msgspec.structs.replace(self, flow=key)

    def request(self, workspace: str, now_ms: int) -> WhyNotRequest:
        """The question as the diagnosis takes it. Raises `BadRequest` for a time that cannot be read."""
        from_ms, to_ms = self._bounds(now_ms)
        return WhyNotRequest(
            workspace=workspace,
            customer=self.customer,
            flow=self.flow,
            event_type=self.event_type,
            from_ms=from_ms,
            to_ms=to_ms,
        )

    def _bounds(self, now_ms: int) -> tuple[int | None, int | None]:
        if self.from_text or self.to_text:
            to_ms = self._read("to", self.to_text) if self.to_text else now_ms
            return self._read("from", self.from_text) if self.from_text else None, to_ms
        if not self.at:
            return None, None
        at_ms = self._read("from", self.at)
        return at_ms - WITHIN_MS[self.within], at_ms + WITHIN_MS[self.within]

    def _read(self, bound: Bound, text: str) -> int:
        zone = find_zone(self.zone or "UTC") or ZoneInfo("UTC")
        try:
            return read_local(text, zone, bound)
        except ValueError:
            raise BadRequest(
                f"{text[:80]!r} is no time.", hint="Write it as 2026-11-22T06:41, or as a date: 2026-11-22."
            ) from None


def read_asked(pairs: Iterable[tuple[str, str]]) -> Asked:
    """What is asked. What a form sent empty says nothing.

    Raises `UnknownFilter` for a name that does not exist here, `BadRequest` for one given twice, one that is too long,
    and a value that is none of those there are.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in NAMES:
            raise UnknownFilter(f"There is no {name[:80]!r} here.", hint=f"There are: {', '.join(NAMES)}.")
        text = value.strip()
        if not text:
            continue
        if name in given:
            raise BadRequest(f"{name} is given twice.", hint=f"Give {name} once.")
        if len(text) > MAX_TEXT or "\0" in text:
            raise BadRequest(f"{name} cannot be read.", hint=f"It is a text of at most {MAX_TEXT} characters.")
        given[name] = text
    _check_values(given)
    renamed = {"from": "from_text", "to": "to_text"}
    return Asked(**{renamed.get(name, name): value for name, value in given.items()})


def _check_values(given: Mapping[str, str]) -> None:
    within, zone = given.get("within", DEFAULT_WITHIN), given.get("zone", "UTC")
    if within not in WITHIN_MS:
        raise UnknownFilter(f"within={within[:80]!r} does not exist here.", hint=f"There are: {', '.join(WITHIN_MS)}.")
    if find_zone(zone) is None:
        raise UnknownFilter(f"There is no time zone {zone[:80]!r}.", hint="Give its IANA name: Europe/Berlin.")


def fixed_href(request: WhyNotRequest, from_ms: int, to_ms: int) -> str:
    """The link to this question with its time written out, so that it says the same tomorrow."""
    named = (("customer", request.customer), ("flow", request.flow), ("event_type", request.event_type))
    pairs = [(name, value) for name, value in named if value]
    pairs += [("from", to_rfc3339(from_ms)), ("to", to_rfc3339(to_ms))]
    return f"{LogUrl(TROUBLESHOOTING_PATH, tuple(pairs)).href}#{NOT_RUNNING}"
