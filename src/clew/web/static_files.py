"""The files a page needs, read once. A link carries a digest of the file, so a browser may keep it for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from litestar import Response

from clew.core.errors import NotFound

STATIC_DIR = Path(__file__).parent / "static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_YEAR_S = 31_536_000


class StaticFile(msgspec.Struct, frozen=True):
    """One file as it is sent."""

    body: bytes
    content_type: str
    digest: str


class StaticFiles:
    """Every file below a directory whose type a page uses. Anything else is not served."""

    def __init__(self, directory: Path = STATIC_DIR) -> None:
        self._files = {
            path.relative_to(directory).as_posix(): _read(path)
            for path in sorted(directory.rglob("*"))
            if path.suffix in _TYPES
        }

    def href(self, name: str) -> str:
        """Where a page links to.

        Raises `NotFound` for a file that is not there: a page must not ask for what it will not get.
        """
        return f"/static/{name}?v={self._find(name).digest}"

    def respond(self, name: str, version: str, if_none_match: str) -> Response[bytes]:
        """The file, or 304 where the browser has it. It may be kept for ever where `version` is this file's digest."""
        file = self._find(name)
        etag = f'"{file.digest}"'
        keep = f"public, max-age={_YEAR_S}, immutable" if version == file.digest else "no-cache"
        headers = {"ETag": etag, "Cache-Control": keep, "Content-Type": file.content_type}
        if etag in if_none_match:
            return Response(b"", status_code=304, headers=headers)
        return Response(file.body, headers=headers)

    def _find(self, name: str) -> StaticFile:
        file = self._files.get(name)
        if file is None:
            raise NotFound(f"There is no file {name!r}.")
        return file


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    return StaticFile(body, _TYPES[path.suffix], hashlib.blake2b(body, digest_size=8).hexdigest())
