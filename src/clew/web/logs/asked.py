"""What a request asks of a list: which log, under which filters."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from clew.core.errors import NotFound
from clew.log.parameters import ListRequest
from clew.web.face import HttpRequest, WebFace
from clew.web.layout import ALL_RECORDS, LOGS, LogName
from clew.web.logs.url import LogUrl, filters_of, read_url

_BY_NAME = {log.path.rpartition("/")[2]: log for log in LOGS if log.kind}
_BY_PATH = {log.path: log for log in LOGS}


def find_log(name: str) -> LogName:
    """The log of this name in its address, "" for that of all records. Raises `NotFound` where there is none."""
    if not name:
        return ALL_RECORDS
    log = _BY_NAME.get(name)
    if log is None:
        raise NotFound(f"There is no log {name[:80]!r}.", hint=f"There are: {', '.join(_BY_NAME)}.")
    return log


def log_at(path: str) -> LogName | None:
    """The log whose page is at this path, or None."""
    return _BY_PATH.get(path)


def url_of(request: HttpRequest, log: LogName) -> LogUrl:
    """The list's own address, with what the request asks of it."""
    return read_url(log.path, pairs_of(request.scope["query_string"].decode("latin-1")))


def pairs_of(query: str) -> list[tuple[str, str]]:
    """The pairs of a query string."""
    return parse_qsl(query, keep_blank_values=True, errors="replace")


def fixed_of(log: LogName) -> Mapping[str, tuple[str, ...]]:
    """The filter that a log has whatever is asked of it: its kind."""
    return {"kind": (log.kind,)} if log.kind else {}


def parse_url(face: WebFace, workspace: str, log: LogName, url: LogUrl) -> ListRequest:
    """What the address asks. Raises `UnknownFilter` for what does not exist, `BadRequest` for what cannot be read."""
    return face.parser.parse_list(filters_of(url), workspace=workspace, fixed=fixed_of(log))
