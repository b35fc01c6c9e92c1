"""`/v1/records/histogram`, `/facets` and `/export`, and the same of each kind: about all records under the filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from clew.api.asked import fixed_filters, pairs_of
from clew.api.description import ExportOperation, FacetsOperation, HistogramOperation
from clew.api.representation import CoverageForm, show_coverage
from clew.core.clock import to_rfc3339
from clew.core.record import Kind
from clew.core.request_log import note
from clew.log.downloads import begin_export
from clew.log.export import CONTENT_TYPES
from clew.log.parameters import FilterParser
from clew.log.report_parameters import parse_export, parse_facets, parse_histogram
from clew.log.search import Search
from clew.log.store import FacetValue
from clew.registry.keys import Principal


class BarForm(msgspec.Struct, frozen=True, kw_only=True):
    """How many records of each status there are from this time on, for one step."""

    time: str
    info: int
    success: int
    failure: int


class HistogramForm(msgspec.Struct, frozen=True, kw_only=True):
    """Records over time: the bars that have any, oldest first, each at a multiple of the step."""

    step_ms: int
    bars: list[BarForm]
    coverage: CoverageForm


class FacetsForm(msgspec.Struct, frozen=True, kw_only=True):
    """The most frequent values of each name, most records first, with how many of those failed."""

    facets: dict[str, Sequence[FacetValue]]
    coverage: CoverageForm


def build_reports(search: Search, parser: FilterParser, path: str, kind: Kind | None) -> list[ControllerRouterHandler]:
    """The routes of a list: of the kind at its path, or of all records."""
    name = "".join(word.title() for word in path.split("-"))

    @get(f"/{path}/histogram", operation_id=f"countOverTime{name}", operation_class=HistogramOperation)
    async def count_over_time(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> HistogramForm:
        """Count the records under the filters over time, by status."""
        asked = parse_histogram(
            parser, pairs_of(request), workspace=principal.workspace, fixed=fixed_filters(principal, kind)
        )
        answer = await search.histogram(asked.filter, asked.bars, asked.step_ms)
        note(f"counted in {len(answer.histogram.bars)} bars", answer.coverage.to_json())
        return HistogramForm(
            step_ms=answer.histogram.step_ms,
            bars=[
                BarForm(time=to_rfc3339(bar.time), info=bar.info, success=bar.success, failure=bar.failure)
                for bar in answer.histogram.bars
            ],
            coverage=show_coverage(answer.coverage),
        )

    @get(f"/{path}/facets", operation_id=f"listFrequentValues{name}", operation_class=FacetsOperation)
    async def list_frequent_values(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal]
    ) -> FacetsForm:
        """List the most frequent values of the records under the filters."""
        asked = parse_facets(
            parser, pairs_of(request), workspace=principal.workspace, fixed=fixed_filters(principal, kind)
        )
        answer = await search.facets(asked.filter, asked.names, asked.limit)
        note(f"found the values of {', '.join(asked.names)}", answer.coverage.to_json())
        return FacetsForm(facets={**answer.facets}, coverage=show_coverage(answer.coverage))

    @get(f"/{path}/export", operation_id=f"export{name}", operation_class=ExportOperation, media_type="text/csv")
    async def export_records(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Stream:
        """Give every record under the filters as a file."""
        asked = parse_export(
            parser, pairs_of(request), workspace=principal.workspace, fixed=fixed_filters(principal, kind)
        )
        headers = {
            "content-type": CONTENT_TYPES[asked.format],
            "content-disposition": f'attachment; filename="{path}.{asked.format}"',
            "x-content-type-options": "nosniff",
        }
        pieces = await begin_export(search.export(asked.filter, asked.format, asked.sort))
        return Stream(pieces, headers=headers)

    return [count_over_time, list_frequent_values, export_records]
