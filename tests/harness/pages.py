"""The pages as one app for all tests of a process, each with a face of its own: to build the app takes longer than
most tests, and so does compiling the templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from litestar import Litestar
from litestar.testing import TestClient

from clew.core.record import Record
from clew.web.face import WebFace
from clew.web.pages import build_pages
from clew.web.rendering import Templates
from clew.web.static_files import StaticFiles

Client = TestClient[Litestar]
"""A browser that leads nowhere by itself: an answer that sends it on is the answer."""
Keep = Callable[..., None]
"""Puts records into the log."""
MakeRecord = Callable[..., Record]
"""Makes a record of a second ago."""


class Stage:
    """The one app, and the face that it shows while a test runs."""

    def __init__(self) -> None:
        self._face: WebFace | None = None
        self._static = StaticFiles()
        self._templates = Templates(self._static)

        # A function, not a method: Litestar copies what a router holds, and with a method what it is bound to.
        def find_face() -> WebFace:
            assert self._face
            return self._face

        self._app = Litestar([build_pages(find_face)], openapi_config=None)

    @contextmanager
    def showing(self, face: WebFace) -> Iterator[Client]:
        """A browser before the pages of this face."""
        assert self._face is None, "one at a time"
        face.static, face.templates = self._static, self._templates
        self._face = face
        try:
            with TestClient(self._app) as client:
                client.follow_redirects = False
                yield client
        finally:
            self._face = None


@cache
def stage() -> Stage:
    """The one of this process."""
    return Stage()
