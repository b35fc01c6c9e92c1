"""The parameters of what is asked about all records of a filter at once: over time, by value, as a file.

As strict as `parameters.py`, whose filters they take; each has a few options beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from clew.core.errors import BadRequest
from clew.log.export import FORMATS, ExportFormat
from clew.log.parameters import SORTS, FilterParser, Pair, check_choice, read_whole
from clew.log.query import DEFAULT_VALUES, FACET_NAMES, MAX_VALUES, Filter, Sort
from clew.log.steps import DEFAULT_BARS, MAX_BARS, STEPS_MS

HISTOGRAM_OPTIONS: dict[str, tuple[str, ...]] = {"bars": (), "step": tuple(STEPS_MS)}
FACETS_OPTIONS: dict[str, tuple[str, ...]] = {"names": (), "limit": ()}
EXPORT_OPTIONS: dict[str, tuple[str, ...]] = {"format": FORMATS, "sort": SORTS}
"""What each takes beside the filters, with the values it may have (none named: any that can be read)."""

DEFAULT_FACETS = ("product", "event", "customer", "status", "error_type")

Fixed = Mapping[str, tuple[str, ...]]


class HistogramRequest(msgspec.Struct, frozen=True):
    """Records over time, in at most `bars`, or in bars of `step_ms`."""

    filter: Filter
    bars: int = DEFAULT_BARS
    step_ms: int | None = None


class FacetsRequest(msgspec.Struct, frozen=True):
    """The `limit` most frequent values of each name."""

    filter: Filter
    names: tuple[str, ...] = DEFAULT_FACETS
    limit: int = DEFAULT_VALUES


class ExportRequest(msgspec.Struct, frozen=True):
    """A file of all records."""

    filter: Filter
    format: ExportFormat = "csv"
    sort: Sort = "desc"


def parse_histogram(
    parser: FilterParser, pairs: Iterable[Pair], *, workspace: str, fixed: Fixed | None = None
) -> HistogramRequest:
    """What a histogram is asked for. Raises `UnknownFilter` and `BadRequest` as `FilterParser.parse_list` does."""
    filter, given = parser.parse_with(HISTOGRAM_OPTIONS, pairs, workspace=workspace, fixed=fixed)
    if "bars" in given and "step" in given:
        raise BadRequest("`step` is given with `bars`.", hint="Give one or the other.")
    bars = read_whole("bars", given.get("bars", str(DEFAULT_BARS)), 1, MAX_BARS)
    return HistogramRequest(filter, bars, STEPS_MS[given["step"]] if "step" in given else None)


def parse_facets(
    parser: FilterParser, pairs: Iterable[Pair], *, workspace: str, fixed: Fixed | None = None
) -> FacetsRequest:
    """Which facets are asked for; `names` are divided by commas. Raises as `parse_histogram` does."""
    filter, given = parser.parse_with(FACETS_OPTIONS, pairs, workspace=workspace, fixed=fixed)
    names = tuple(dict.fromkeys(given["names"].split(","))) if "names" in given else DEFAULT_FACETS
    for name in names:
        check_choice("names", name, FACET_NAMES)
    return FacetsRequest(filter, names, read_whole("limit", given.get("limit", str(DEFAULT_VALUES)), 1, MAX_VALUES))


def parse_export(
    parser: FilterParser, pairs: Iterable[Pair], *, workspace: str, fixed: Fixed | None = None
) -> ExportRequest:
    """Which file is asked for. Raises as `parse_histogram` does."""
    filter, given = parser.parse_with(EXPORT_OPTIONS, pairs, workspace=workspace, fixed=fixed)
    return msgspec.convert({"filter": filter, **given}, ExportRequest)
