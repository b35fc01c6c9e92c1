"""What the payloads are put together from: documents with lines and addresses, and short notes between them."""

from __future__ import annotations

import json
import random

import msgspec

from benchmarks import vocabulary as words

CUSTOMERS = 2_000
ARTICLES = 5_000

_PARAMETERS = b'{"batch":"B-%07d","operator":"%b","region":"%b"}'
_DOCUMENT = (
    b'{"number":"%b","reference":"%032x","account":"%b","currency":"EUR","total":"%d.%02d","priority":%d,'
    b'"carrier":"%b","ship_to":%b,"lines":[%b]}'
)
_NOTE = (
    b'{"number":"%b","reference":"%032x","state":"%b","previous":"%b","node":"worker-%d","queue_ms":%d,'
    b'"checksum":"%032x","version":"%d.%d","links":{"self":"/v2/documents/%b?after=%d"},"note":"%b for %b by %b"}'
)


class Pieces(msgspec.Struct, frozen=True):
    """What payloads and parameters are put together from: as JSON, or as JSON inside a JSON string.

    Escaping the pieces once costs nothing; escaping each payload costs as much as all the rest of a record.
    """

    parameters: bytes
    note: bytes
    document: bytes
    articles: tuple[bytes, ...]
    addresses: tuple[bytes, ...]

    def escape(self) -> Pieces:
        """The same pieces for inside a JSON string."""
        return Pieces(
            parameters=_escape(self.parameters),
            note=_escape(self.note),
            document=_escape(self.document),
            articles=tuple(map(_escape, self.articles)),
            addresses=tuple(map(_escape, self.addresses)),
        )


def _escape(text: bytes) -> bytes:
    return text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def make_pieces(chance: random.Random) -> Pieces:
    """The pieces as JSON. The same state of `chance`, the same pieces."""
    return Pieces(
        parameters=_PARAMETERS,
        note=_NOTE,
        document=_DOCUMENT,
        articles=tuple(_article(chance, place) for place in range(ARTICLES)),
        addresses=tuple(_address(chance) for _ in range(CUSTOMERS)),
    )


def _article(chance: random.Random, place: int) -> bytes:
    """One line of a document; each `%d` is for a number of its own: the line's id and its quantity."""
    line = {
        "id": "%d",
        "sku": f"{chance.choice('ABCDEFGH')}{chance.choice('KLMNPQRS')}-{1000 + place}-{chance.randrange(100):02d}",
        "title": f"{chance.choice(words.GOODS)} M{chance.randrange(3, 30)}x{chance.randrange(10, 200)}",
        "finish": chance.choice(words.FINISHES),
        "quantity": "%d",
        "unit_price": f"{chance.randrange(1, 400)}.{chance.randrange(100):02d}",
        "bin": f"{chance.choice('ABCD')}{chance.randrange(40):02d}-{chance.randrange(12):02d}",
    }
    return json.dumps(line, separators=(",", ":")).encode().replace(b'"%d"', b"%d")


def _address(chance: random.Random) -> bytes:
    city = chance.randrange(len(words.CITIES))
    address = {
        "name": f"{chance.choice(words.PEOPLE).title()} {chance.choice(words.GOODS)} Supplies",
        "street": f"{chance.choice(words.STREETS)} {chance.randrange(1, 300)}",
        "city": words.CITIES[city],
        "postal_code": f"{chance.randrange(10_000, 99_999)}",
        "country": words.COUNTRIES[city],
    }
    return json.dumps(address, separators=(",", ":")).encode()
