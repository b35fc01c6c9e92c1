"""What holds for every answer to a browser: headers, pages for what goes wrong, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clew.core.record import Record
from clew.registry.registry import Registry
from clew.web.static_files import STATIC_DIR, StaticFiles
from harness.pages import Client


@pytest.mark.parametrize("sheet", [path.name for path in sorted(STATIC_DIR.glob("*.css"))])
def test_a_style_sheet_stays_small_and_red_stays_with_failure(sheet: str) -> None:
    css = (STATIC_DIR / sheet).read_text()
    assert len(css.splitlines()) < 400
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
