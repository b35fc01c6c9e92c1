"""What holds for every page: views that do not lie, no inline style or script, headers, files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from jinja2 import UndefinedError
from litestar import Litestar
from litestar.testing import TestClient

from clew.core.record import Record
from clew.registry.registry import Registry
from clew.web.failures import FailurePage
from clew.web.json_tree import build_json_tree
from clew.web.layout import build_layout
from clew.web.logs.views import (
    ActiveFilter,
    Bounds,
    Choice,
    FilterField,
    LogPage,
    Nothing,
    Option,
    Row,
    Rows,
    RowsPart,
    Trouble,
)
from clew.web.record.views import (
    Because,
    BodyView,
    Cause,
    Data,
    Details,
    Exchange,
    Fact,
    FactGroup,
    Guide,
    Line,
    Lines,
    Parameter,
    Payload,
    RecordPage,
    Side,
    Tab,
    ThreadRow,
    ThreadView,
)
from clew.web.rendering import TEMPLATES_DIR, Templates, View
from clew.web.sign_in.views import LinkPage, Refusal, SignInPage
from clew.web.static_files import STATIC_DIR, StaticFiles
from clew.web.wording import say_moment

Client = TestClient[Litestar]

EVIL = "</pre></script><script>alert(1)</script><b onclick=x>\"'&"
MEMBER = build_layout(EVIL, member=EVIL, form_token=EVIL, failed_kinds=["api_request"], path="/logs", search=EVIL)
STRANGER = build_layout(EVIL, member="", form_token=EVIL)
MOMENT = say_moment(1_780_000_000_000)
CHOICE = Choice(EVIL, "/logs", is_current=True)
ROW = Row(
    href="/records/1",
    status="failure",
    state=EVIL,
    moment=MOMENT,
    day=EVIL,
    kind=EVIL,
    source_product=EVIL,
    target_product=EVIL,
    arrow="→",
    event=EVIL,
    key=EVIL,
    customer=EVIL,
    message=EVIL,
    http_status=422,
    took="1 ms",
)
ROWS = Rows(
    items=(ROW,),
    nothing=None,
    newer_href="/logs?cursor=a",
    older_href="",
    coverage=EVIL,
    warning=EVIL,
    has_kind=True,
    sort_href="/logs?sort=asc",
    is_newest_first=True,
)
FIELDS = (
    FilterField(name="kind", label=EVIL, value=EVIL, shown=EVIL, options=(Option(EVIL, EVIL),), is_closed=True),
    FilterField(name="customer", label=EVIL, value=EVIL, remove_href="/logs", options=(Option(EVIL, EVIL),), hint=EVIL),
)
LOGS = LogPage(
    layout=MEMBER,
    path="/logs",
    title=EVIL,
    subtitle=EVIL,
    counter=EVIL,
    failures=EVIL,
    segments=(CHOICE,),
    bounds=Bounds(EVIL, (CHOICE,), EVIL, EVIL),
    fields=FIELDS,
    active=(ActiveFilter(EVIL, EVIL, "/logs"),),
    hidden=(("flow", EVIL),),
    clear_href="/logs",
    refresh_href="/logs",
    rows=ROWS,
    trouble=Trouble(EVIL, EVIL, "/logs"),
)
TREE = build_json_tree(msgspec.json.encode({EVIL: [EVIL, {EVIL: 1}, None, [], 2, 3]}).decode(), max_nodes=7)
BODY = BodyView(text=EVIL, tree=None, size="1 byte", content_type=EVIL, note=EVIL)
THREAD = ThreadView(
    (
        ThreadRow(
            href="/records/1",
            is_current=True,
            dot="below",
            state=EVIL,
            event=EVIL,
            kind=EVIL,
            source_product=EVIL,
            target_product=EVIL,
            arrow="→",
            http_status=422,
            message=EVIL,
            offset=EVIL,
            took=EVIL,
            guides=(Guide("elbow on", "half"), Guide("", "")),
            level=2,
            hidden_levels=3,
        ),
    ),
    4,
    3,
)
RECORD = RecordPage(
    layout=MEMBER,
    id="1",
    status="failure",
    dot="below",
    state=EVIL,
    event=EVIL,
    kind=EVIL,
    kind_href="/logs",
    moment=MOMENT,
    took="1 ms",
    http_status=422,
    customer=EVIL,
    customer_href="/logs",
    source_product=EVIL,
    target_product=EVIL,
    arrow="→",
    because=Because(EVIL, EVIL, "/records/2"),
    tabs=(Tab("details", EVIL, "/records/1", is_current=True, has_failure=True, count="3"),),
    tab="details",
)
SIDE = Side(((EVIL, EVIL),), BODY, EVIL)
EXCHANGE = Exchange(
    direction=EVIL,
    method=EVIL,
    url=EVIL,
    status_code=422,
    is_failure=True,
    request=SIDE,
    response=Side((), None, EVIL, "/records/1"),
)
FACT = Fact(name=EVIL, value=EVIL, note=EVIL, href="/x", is_code=True, is_copied=True)
CAUSE = Cause(type=EVIL, key=EVIL, message=EVIL, data=TREE, stack=EVIL, is_reason=True)


def record_tab(**fields: object) -> RecordPage:
    return msgspec.structs.replace(RECORD, **fields)


SAMPLES: list[View] = [
    LOGS,
    msgspec.structs.replace(
        LOGS, rows=msgspec.structs.replace(ROWS, items=(), nothing=Nothing(EVIL, EVIL, (CHOICE,))), trouble=None
    ),
    msgspec.structs.replace(LOGS, rows=None),
    RowsPart(rows=ROWS),
    record_tab(details=Details((FactGroup(EVIL, (FACT, Fact(name="a", value="b"))),), (EVIL,), THREAD)),
    record_tab(tab="data", data=Data(EVIL, "failure", EVIL, (Parameter(EVIL, EVIL, is_json=True),), "", 7)),
    record_tab(tab="data", data=Data(EVIL, "success", "", (), EVIL)),
    record_tab(tab="data", data=Data(EVIL, "success", "", (), "")),
    record_tab(
        tab="payload", payload=Payload(body=BODY, is_raw=True, tree_href="/a", raw_href="/b", download_href="/c")
    ),
    record_tab(
        tab="payload",
        payload=Payload(
            body=msgspec.structs.replace(BODY, tree=TREE), is_raw=False, tree_href="/", raw_href="/", download_href="/"
        ),
    ),
    record_tab(tab="http", exchange=EXCHANGE),
    record_tab(tab="error", causes=(msgspec.structs.replace(CAUSE, is_reason=False), CAUSE)),
    record_tab(tab="logs", lines=Lines((Line(MOMENT, "error", EVIL, TREE), Line(MOMENT, "message", EVIL, None)), 7)),
    record_tab(tab="logs", lines=Lines((), 0)),
    record_tab(tab="trace", thread=THREAD, because=None, status="success"),
    SignInPage(layout=STRANGER, email=EVIL, next=EVIL, refusal=Refusal(EVIL, EVIL)),
    SignInPage(layout=STRANGER),
    LinkPage(layout=STRANGER, action="/sign-in/link/x", is_first=True, email=EVIL, refusal=Refusal(EVIL, "")),
    LinkPage(layout=STRANGER, action="/sign-in/link/x", is_first=False),
    FailurePage(layout=MEMBER, status=404, title=EVIL, detail=EVIL, hint=EVIL),
    FailurePage(layout=STRANGER, status=500, title=EVIL, detail=EVIL, is_signed_in=False),
]


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


@pytest.mark.parametrize("view", SAMPLES, ids=lambda view: view.template)
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


def all_views(root: type[View]) -> Iterable[type[View]]:
    for view in root.__subclasses__():
        yield view
        yield from all_views(view)


def test_every_view_and_every_template_has_a_sample() -> None:
    assert set(all_views(View)) == {type(view) for view in SAMPLES}
    names = {path.relative_to(TEMPLATES_DIR).as_posix() for path in TEMPLATES_DIR.rglob("*.html")}
    used = {view.template for view in SAMPLES} | {"layout.html", "ui.html"}
    used |= {f"record/_{view.tab}.html" for view in SAMPLES if isinstance(view, RecordPage)}
    assert names == used


def test_a_name_that_a_view_does_not_have_is_an_error(templates: Templates) -> None:
    with pytest.raises(UndefinedError):
        templates.render(RowsPart(rows=ROWS), "failure/page.html")


def test_the_style_sheet_stays_small_and_red_stays_with_failure() -> None:
    css = (STATIC_DIR / "app.css").read_text()
    assert len(css.splitlines()) < 600
    red = [line.split("{")[0].strip() for line in css.splitlines() if "var(--fail" in line]
    allowed = re.compile(r"\.bad|failure|\.below|cause|because|\.on\b|error", re.ASCII)
    assert [selector for selector in red if not allowed.search(selector)] == []


@pytest.mark.parametrize("path", ["/logs", "/logs?status=red", "/sign-in", "/nonsense", "/logs/nonsense", "/records/x"])
def test_every_answer_carries_the_security_headers(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


def test_what_is_not_there_is_a_page_in_the_same_layout(client: Client) -> None:
    for path in ("/nonsense/<b>", "/logs/flow-runs/<b>", "/records/1/<b>", "/activity/<b>"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert '<nav class="side"' in answer.text
        assert f"There is nothing at {path.replace('<b>', '&lt;b&gt;')}." in answer.text


def test_a_mistake_of_ours_is_a_page_that_shows_nothing_of_its_inside(
    client: Client, registry: Registry, refused_order: dict[str, Record], caplog: pytest.LogCaptureFixture
) -> None:
    registry.customers.find_all = None  # type: ignore[assignment]  # any call of it is now a mistake
    answer = client.get("/logs")
    assert answer.status_code == 500
    assert "The server made a mistake" in answer.text
    assert "NoneType" not in answer.text
    assert "NoneType" in caplog.text


def test_a_file_is_kept_for_ever_under_its_digest_and_asked_for_again_without(stranger: Client) -> None:
    href = StaticFiles().href("app.css")
    answer = stranger.get(href)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    plain = stranger.get("/static/app.css")
    assert plain.headers["cache-control"] == "no-cache"
    again = stranger.get("/static/app.css", headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["../pages.py", "..%2fpages.py", "%2e%2e/pages.py", "nothing.css", "vendor/"])
def test_nothing_but_the_packages_files_is_served(stranger: Client, name: str) -> None:
    answer = stranger.get(f"/static/{name}")
    assert answer.status_code in (303, 404)
    assert "import" not in answer.text


def test_only_files_that_a_page_uses_are_served(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    (tmp_path / "secret.txt").write_text("x")
    files = StaticFiles(tmp_path)
    assert files.respond("a.css", "", "").content == b"a {}"
    with pytest.raises(Exception, match="no file"):
        files.respond("secret.txt", "", "")


def test_htmx_adds_no_style_sheet_of_its_own(templates: Templates) -> None:
    assert '"includeIndicatorCSS": false' in templates.render(LOGS)
