"""Compressed bodies, and those that are no whole ones or far too large."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
import zstandard

from clew.core.errors import BadRequest, TooLarge, UnsupportedMediaType
from clew.doors.body import decode_body, decode_start

BODY = b'{"event":"x"}' * 100


def zstd_unsized(data: bytes) -> bytes:
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(data) + stream.flush()


COMPRESS = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress, "zstd ": zstd_unsized}


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_compressed_body_comes_out_as_it_went_in(encoding: str) -> None:
    assert decode_body(COMPRESS[encoding](BODY), encoding, len(BODY)) == BODY
    assert decode_body(COMPRESS[encoding](b""), encoding, 10) == b""


@pytest.mark.parametrize("encoding", COMPRESS)
def test_one_byte_over_the_limit_is_too_large(encoding: str) -> None:
    with pytest.raises(TooLarge):
        decode_body(COMPRESS[encoding](BODY), encoding, len(BODY) - 1)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_bomb_is_refused_and_not_unpacked(encoding: str) -> None:
    bomb = COMPRESS[encoding](bytes(50_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge):
        decode_body(bomb, encoding, 1_000_000)


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-3], lambda raw: raw + b"xx", lambda raw: b"", lambda raw: b"no" * 20]
)
def test_a_broken_stream_is_a_bad_request(encoding: str, damage) -> None:
    with pytest.raises(BadRequest):
        decode_body(damage(COMPRESS[encoding](BODY)), encoding, 10_000)


def test_gzip_of_several_members_is_one_body() -> None:
    assert decode_body(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", 2) == b"ab"


def test_gzip_of_very_many_members_is_refused() -> None:
    with pytest.raises(BadRequest, match="members"):
        decode_body(gzip.compress(b"") * 1_001, "gzip", 10)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate"])
def test_another_encoding_is_not_taken_and_the_hint_names_those_that_are(encoding: str) -> None:
    with pytest.raises(UnsupportedMediaType) as error:
        decode_body(b"x", encoding, 10)
    assert "gzip, zstd" in error.value.hint


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_is_itself_and_bounded(encoding: str) -> None:
    assert decode_body(b"abc", encoding, 3) == b"abc"
    with pytest.raises(TooLarge):
        decode_body(b"abc", encoding, 2)


@pytest.mark.parametrize(("encoding", "pack"), [("", bytes), ("gzip", gzip.compress), ("x-zstd", zstandard.compress)])
def test_the_start_of_a_body_is_shown_however_much_of_it_there_is(
    encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = b"".join(b"%d " % n for n in range(50_000))
    packed = pack(body)
    assert decode_start(packed, encoding, 1_000) == body[:1_000]
    assert body.startswith(decode_start(packed[:20_000], encoding, 10_000))
    assert decode_start(pack(b"short"), encoding, 1_000) == b"short"


def test_the_start_of_a_gzip_is_shown_as_far_as_it_goes() -> None:
    body = b"".join(b"%d " % n for n in range(50_000))
    shown = decode_start(gzip.compress(body)[:1_000], "gzip", 100_000)
    assert len(shown) > 1_000
    assert body.startswith(shown)


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "br"])
def test_the_start_of_what_cannot_be_decompressed_is_shown_as_it_is(encoding: str) -> None:
    assert decode_start(b"no archive", encoding, 4) == b"no a"
