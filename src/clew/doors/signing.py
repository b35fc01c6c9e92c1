"""What a signature is made of: the key's bytes, the signed content, and the digest in its encoding."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from clew.registry.schemes import SignatureScheme

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+\Z")
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


def key_of(secret: str, encoding: str, prefix: str = "") -> bytes | None:
    """The bytes that a secret's text stands for, or None where it has not this encoding."""
    text = secret.removeprefix(prefix)
    if encoding == "text":
        return text.encode()
    return _bytes_of(text, encoding)


def decode_signature(text: str, encoding: str) -> bytes | None:
    """A signature's bytes, or None where the text has not this encoding."""
    return _bytes_of(text, encoding)


def signed_content(template: str, values: Mapping[str, bytes], body: bytes) -> bytes:
    """What the sender signed: the template with its places filled in. `values` are all but the body."""
    pieces = _PLACEHOLDER.split(template)  # text, name, text, name, ..., text
    parts = [piece.encode() if place % 2 == 0 else _filled(piece, values, body) for place, piece in enumerate(pieces)]
    return b"".join(parts)


def scheme_key(scheme: SignatureScheme, secret: str) -> bytes | None:
    """The key of a scheme for one of its secrets."""
    return key_of(secret, scheme.key_encoding, scheme.key_prefix)


def _filled(name: str, values: Mapping[str, bytes], body: bytes) -> bytes:
    return body if name == "body" else values[name]


def _bytes_of(text: str, encoding: str) -> bytes | None:
    if encoding == "hex":
        return bytes.fromhex(text) if _HEX.match(text) else None
    try:
        # The padding may be left out: some senders do.
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None
