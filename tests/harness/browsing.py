"""A browser without a screen: a session on the pages of a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from harness.server import ServerProcess

WHO = {"email": "ada@clew.example", "password": "correct horse battery staple"}


@contextmanager
def browse(server: ServerProcess) -> Iterator[httpx.Client]:
    """Signed in: by the link of the first start, or as the member that was made by it."""
    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=60, trust_env=False) as browser:
        links = [line.split()[-1] for line in list(server.lines) if "/sign-in/link/" in line]
        page = browser.get(links[0]) if links else browser.get("/sign-in")
        if page.status_code != 200:  # somebody used the link
            page = browser.get("/sign-in")
        form = dict(re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', page.text))
        answer = browser.post(page.url, data=form | WHO, headers={"origin": server.url})
        assert answer.url.path == "/", (answer.status_code, answer.url)
        yield browser
