"""A list as a file: every record under its filters, streamed."""

from __future__ import annotations

import re

from litestar import get
from litestar.params import FromPath
from litestar.response import Stream

from clew.core.clock import to_rfc3339
from clew.log.downloads import begin_export
from clew.log.export import CONTENT_TYPES, ExportFormat
from clew.log.report_parameters import parse_export
from clew.log.store import Count
from clew.web.face import Face, HttpRequest, session_of
from clew.web.layout import LogName
from clew.web.logs.asked import find_log, fixed_of, url_of
from clew.web.logs.url import LogUrl, filters_of
from clew.web.logs.views import Choice, Option, Preparation

FORMAT_LABELS: dict[ExportFormat, str] = {"csv": "CSV", "ndjson": "JSON, one record a line", "parquet": "Parquet"}


MANY_RECORDS = 200_000
"""From so many on a file is made on the server first: it takes a while, and a download that breaks begins anew."""


def build_preparation(url: LogUrl, count: Count) -> Preparation | None:
    """How a file is begun that has many records, or nobody knows how many; None where it is downloaded at once."""
    if count.count < MANY_RECORDS and not count.truncated:
        return None
    formats = tuple(Option(format, label) for format, label in FORMAT_LABELS.items())
    return Preparation(url.part("exports").without("limit").href, formats)


def build_downloads(url: LogUrl) -> tuple[Choice, ...]:
    """The formats that a list can be downloaded in."""
    whole = url.part("download").without("limit")
    return tuple(
        Choice(label, whole.having("format", format).href, is_current=False) for format, label in FORMAT_LABELS.items()
    )


@get(["/logs/download", "/logs/{name:str}/download"])
async def download_log(request: HttpRequest, face: Face, name: FromPath[str] = "") -> Stream:
    """Every record under the filters, in the order of the list; as CSV where no format is asked for.

    Raises as the list itself does, and `TooMany` where as many downloads run as may.
    """
    log = find_log(name)
    pairs = filters_of(url_of(request, log))
    asked = parse_export(face.parser, pairs, workspace=session_of(request).member.workspace, fixed=fixed_of(log))
    headers = {
        "Content-Disposition": f'attachment; filename="{name_file(log, face.clock.now_ms(), asked.format)}"',
        "Content-Type": CONTENT_TYPES[asked.format],
    }
    pieces = await begin_export(face.search.export(asked.filter, asked.format, asked.sort))
    return Stream(pieces, headers=headers)


def name_file(log: LogName, now_ms: int, format: ExportFormat) -> str:
    """`integration-events-20261122T064125Z.csv`."""
    moment = re.sub(r"[-:]|\.\d+", "", to_rfc3339(now_ms))
    return f"{log.path.rpartition('/')[2] if log.kind else 'records'}-{moment}.{format}"
