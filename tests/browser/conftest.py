"""A real Chromium before a real demo."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chromium import find_chromium
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from harness.demo import Demo
from harness.every_page import find_places
from harness.server import ADMIN_KEY

READY_TIMEOUT_S = 90
# No network but loopback, and no sandbox where the tests run as root.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    directory = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "clew",
            "demo",
            "--port=0",
            f"--data-dir={directory / 'data'}",
            "--history=2000",
            "--orders-per-minute=1",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "CLEW_ADMIN_KEY": ADMIN_KEY, "HOME": str(directory)},
    )
    demo = Demo(process, directory / "data")
    reading = threading.Thread(target=demo.read, daemon=True)
    reading.start()
    assert demo.ready.wait(READY_TIMEOUT_S), demo.lines
    assert process.poll() is None, demo.lines
    yield demo
    process.send_signal(signal.SIGINT)
    code = process.wait(20)
    reading.join()
    assert code == 0, demo.lines


@contextmanager
def launched() -> Iterator[Browser]:
    path = find_chromium()
    assert path, "no Chromium: run `make browser`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def session_state(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed-in session, from the link that the demo printed: it works once, so it is for all tests."""
    path = tmp_path_factory.mktemp("session") / "state.json"
    path.write_text(json.dumps(demo.sign_in()))
    return path


@pytest.fixture(scope="module")
def browser(session_state: Path) -> Iterator[Browser]:
    """One Chromium for a file. Playwright keeps an event loop running in the thread, so it must not outlive the file:
    asynchronous tests may follow in the same process."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared_context(browser: Browser, session_state: Path, demo: Demo) -> Iterator[BrowserContext]:
    """A context with one page that stays open: with it there, another needs half of the processes and of the time."""
    context = browser.new_context(
        base_url=demo.url, storage_state=session_state, viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(15_000)
    context.new_page().goto("/sign-in")
    yield context
    context.close()


@pytest.fixture
def context(shared_context: BrowserContext, session_state: Path) -> Iterator[BrowserContext]:
    """A browser that knows nothing but the session: whatever the test before left in it is cleared away."""
    stays, *others = shared_context.pages
    assert not others
    stays.evaluate("localStorage.clear()")
    shared_context.clear_cookies()
    shared_context.add_cookies(json.loads(session_state.read_text())["cookies"])
    yield shared_context
    for page in shared_context.pages[1:]:
        page.close()
    shared_context.clear_permissions()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose console must stay silent: an error or a violation of the content policy fails the test."""
    page = context.new_page()
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert not said


@pytest.fixture(scope="session")
def places(demo: Demo) -> dict[str, str]:
    """What stands in the braces of `harness.every_page`."""
    return find_places(demo)


@pytest.fixture(scope="module")
def visitor(browser: Browser, session_state: Path, demo: Demo) -> Iterator[Page]:
    """One page for all tests of a file that only look: what they set of the window they set before each look."""
    # Without motion: a colour on its way to another is no colour to judge.
    context = browser.new_context(base_url=demo.url, storage_state=session_state, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()
