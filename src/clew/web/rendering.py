"""Templates: each page is a frozen struct (a `View`) that names its template and holds all that it may use."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clew.web.static_files import StaticFiles
from clew.web.time_zone import zone_key, zone_label, zone_words

TEMPLATES_DIR = Path(__file__).parent / "templates"


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that one template may use, under the name `page`."""

    template: ClassVar[str]


class Templates:
    """The templates, compiled on first use. A name that a view does not have is an error, and all text is escaped."""

    def __init__(self, static: StaticFiles) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES_DIR),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {
            "asset": static.href,
            # Of the request that is answered, as the times in the views are.
            "zone_key": zone_key,
            "zone_label": zone_label,
            "zone_words": zone_words,
        }

    def render(self, view: View, template: str | None = None) -> str:
        """The view as HTML, by its own template or by a part of it."""
        return self._environment.get_template(template or view.template).render(page=view)
