"""A request's body as it was before it was compressed for the way. Bounded: a small body may stand for a huge one."""

from __future__ import annotations

import gzip
import io
import zlib

import zstandard

from clew.core.errors import BadRequest, TooLarge, UnsupportedMediaType

ENCODINGS = ("gzip", "zstd")
# What RFC 9659 allows in HTTP: it bounds the memory that one frame may ask for.
_MAX_ZSTD_WINDOW = 8 * 1024 * 1024
# Each member costs some microseconds however small it is: 10 MB of empty ones would take seconds.
_MAX_GZIP_MEMBERS = 1_000
_GZIP_MAGIC = b"\x1f\x8b\x08"


def decode_body(raw: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """The body, decompressed where `content_encoding` (the header's value) says so.

    Raises `TooLarge` beyond `max_bytes` after decompression, `BadRequest` for a broken stream, `UnsupportedMediaType`
    for another encoding.
    """
    names = [name for part in content_encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if not names:
        return _bounded(raw, max_bytes)
    if len(names) > 1 or names[0].removeprefix("x-") not in ENCODINGS:
        raise UnsupportedMediaType(
            f"The content encoding {content_encoding[:80]!r} is not taken.", hint="Send gzip, zstd, or no encoding."
        )
    if names[0] == "zstd":
        return _unzstd(raw, max_bytes)
    return _gunzip(raw, max_bytes)


def _gunzip(raw: bytes, max_bytes: int) -> bytes:
    if not raw:
        raise _broken("gzip", "it is empty")
    if raw.count(_GZIP_MAGIC) > _MAX_GZIP_MEMBERS:
        raise _broken("gzip", f"it has more than {_MAX_GZIP_MEMBERS} members")
    try:
        body = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(max_bytes + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise _broken("gzip", str(error).removesuffix(".")) from error
    return _bounded(body, max_bytes)


def _unzstd(raw: bytes, max_bytes: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    try:
        size = zstandard.frame_content_size(raw)
        if size > max_bytes:
            _bound(size, max_bytes)
        if size < 0:
            return _unzstd_unsized(decompressor, raw, max_bytes)
        return decompressor.decompress(raw, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _broken("zstd", str(error)) from error


def _unzstd_unsized(decompressor: zstandard.ZstdDecompressor, raw: bytes, max_bytes: int) -> bytes:
    """A frame that does not say its size. First as a stream, which is bounded; then whole, which notices its end."""
    with decompressor.stream_reader(raw) as reader:
        size = len(reader.read(max_bytes + 1))
    _bound(size, max_bytes)
    return decompressor.decompress(raw, max_output_size=max(size, 1), allow_extra_data=False)


def _bounded(body: bytes, max_bytes: int) -> bytes:
    _bound(len(body), max_bytes)
    return body


def _bound(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise TooLarge(
            f"The body is larger than {max_bytes} bytes once it is decompressed.",
            hint="Send fewer events a request, or raise CLEW_MAX_REQUEST_BYTES.",
        )


def _broken(encoding: str, detail: str) -> BadRequest:
    return BadRequest(
        f"The body is no whole {encoding}: {detail}.", hint=f"Compress it again, or send it without {encoding}."
    )


def decode_start(start: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """At most `max_bytes` of a body whose beginning, as it was sent, is `start`: for a person, not to be taken in.

    What cannot be decompressed is given as it is.
    """
    name = content_encoding.strip().lower().removeprefix("x-")
    try:
        if name == "gzip":
            return zlib.decompressobj(wbits=31).decompress(start, max_bytes)
        if name == "zstd":
            with zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).stream_reader(start) as reader:
                return reader.read(max_bytes)
    except (zlib.error, zstandard.ZstdError):
        pass
    return start[:max_bytes]
