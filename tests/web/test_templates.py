"""What holds for every template: views that do not lie, escaped, labelled, nothing inline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from clew.web.logs.views import RowsPart
from clew.web.record.views import RecordPage
from clew.web.rendering import TEMPLATES_DIR, Templates, View
from clew.web.static_files import StaticFiles
from harness.page_samples.every import SAMPLES
from harness.page_samples.layout import EVIL, MEMBER
from harness.page_samples.logs import LOGS, ROWS
from harness.view_samples import Maker


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(StaticFiles())


class Checker(HTMLParser):
    """Notes what a strict policy refuses, what is not closed, and which ids and labels there are."""

    VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[tuple[str, bool]] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "style" in given or tag == "style" or any(name.startswith("on") for name in given):
            self.wrong.append(f"inline in <{tag}>: {attrs}")
        if tag == "script" and not str(given.get("src", "")).startswith("/static/"):
            self.wrong.append(f"script {attrs}")
        if any(str(given.get(name, "")).startswith(("javascript:", "http")) for name in ("href", "src", "action")):
            self.wrong.append(f"leads away: {attrs}")
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag == "label" and "for" in given:
            self.labelled.add(str(given["for"]))
        if tag in ("input", "select") and given.get("type") != "hidden":
            self.controls.append((str(given.get("id")), "label" in self.open))
        if tag == "h1":
            self.headings.append(tag)
        if tag == "th" and "scope" not in given:
            self.wrong.append("a th without scope")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            if not self.open or self.open[-1] != tag:
                self.wrong.append(f"</{tag}> closes {self.open[-3:]}")
            else:
                self.open.pop()

    def problems(self) -> Iterator[str]:
        yield from self.wrong
        yield from (f"not closed: {tag}" for tag in self.open)
        yield from (f"twice: {name}" for name in self.ids if self.ids.count(name) > 1)
        yield from (f"no label: {name}" for name, inside in self.controls if not inside and name not in self.labelled)


def all_views(root: type[View]) -> Iterable[type[View]]:
    for view in root.__subclasses__():
        yield view
        yield from all_views(view)


BY_HAND = {type(view) for view in SAMPLES}
"""Views whose parts depend on one another; of all others samples are made from their types."""
MADE = [sample for view in all_views(View) if view not in BY_HAND for sample in Maker(EVIL, MEMBER).samples(view)]


@pytest.mark.parametrize("view", [*SAMPLES, *MADE], ids=lambda view: view.template)
def test_every_template_renders_from_its_view_escaped_labelled_and_without_anything_inline(
    templates: Templates, view: View
) -> None:
    html = templates.render(view)
    checker = Checker()
    checker.feed(html)
    assert list(checker.problems()) == []
    assert "<script>alert" not in html
    assert "<b onclick" not in html
    if "<html" in html:
        assert len(checker.headings) == 1


def test_every_template_has_a_sample() -> None:
    names = {path.relative_to(TEMPLATES_DIR).as_posix() for path in TEMPLATES_DIR.rglob("*.html")}
    used = {view.template for view in [*SAMPLES, *MADE]} | {"layout.html", "ui.html"}
    used |= {f"record/_{view.tab}.html" for view in SAMPLES if isinstance(view, RecordPage)}
    for name in names:  # parts that others include, and macros
        used |= set(re.findall(r'{% (?:include|import|from) "([^"~]+\.html)"', (TEMPLATES_DIR / name).read_text()))
    assert names == used


def test_a_name_that_a_view_does_not_have_is_an_error(templates: Templates) -> None:
    with pytest.raises(UndefinedError):
        templates.render(RowsPart(rows=ROWS), "failure/page.html")


def test_htmx_adds_no_style_sheet_of_its_own(templates: Templates) -> None:
    assert '"includeIndicatorCSS": false' in templates.render(LOGS)
