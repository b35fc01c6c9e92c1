"""`/v1/audit`: Configuration Activity, for who has the scope `admin`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from clew.api.authentication import requires
from clew.api.listed import Listed, check_names, read_time, respond_page, show_as
from clew.core.errors import BadRequest
from clew.core.ids import is_id
from clew.registry.keys import Principal
from clew.registry.registry import Registry

FILTERS = ("from", "to", "actor", "subject_kind", "subject", "limit", "cursor")


class EntryForm(msgspec.Struct, frozen=True, kw_only=True):
    """A change: who, what, when, and the fields that differ. An empty `actor` is the server itself."""

    id: str
    workspace: str
    time: str
    actor: str
    action: str
    subject_kind: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


def build_audit(registry: Registry) -> Router:
    """The route. It needs `admin`."""

    @get("/audit", operation_id="listAudit", sync_to_thread=True)
    def list_audit(
        request: Request[Any, Any, Any],
        principal: NamedDependency[Principal],
        *,
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 50,
        cursor: FromQuery[str] = "",
        from_time: Annotated[str, QueryParameter(name="from", format="date-time")] = "",
        to_time: Annotated[str, QueryParameter(name="to", format="date-time")] = "",
        actor: FromQuery[str] = "",
        subject_kind: FromQuery[str] = "",
        subject: FromQuery[str] = "",
    ) -> Response[Listed[EntryForm]]:
        """List who changed what, newest first."""
        check_names(request, FILTERS)
        if cursor and not is_id(cursor):
            raise BadRequest("The cursor is none of this list.", hint="Take `next` of the page before.")
        rows = registry.audit.list(
            principal.workspace,
            before_id=cursor.lower(),
            limit=limit + 1,
            from_ms=read_time("from", from_time),
            to_ms=read_time("to", to_time),
            actor=actor,
            subject_kind=subject_kind,
            subject=subject,
        )
        show = partial(show_as, EntryForm)
        return respond_page(request, rows, limit=limit, show=show, cursor_of=lambda row: row.id)

    return Router("/v1", guards=[requires(registry.keys, "admin")], route_handlers=[list_audit], tags=["For operators"])
