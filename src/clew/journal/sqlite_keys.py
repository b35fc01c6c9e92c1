"""What of a group of appends is new: item keys and `Once` keys, against the file and against each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from clew.core.errors import KeyReused
from clew.journal.journal import Append, Item, KeysKnown, Once, Receipt

_QUERY_SIZES = (1, 8, 64, 256)
"""Keys in one query. Few sizes, so that each is prepared once."""


class Settled(msgspec.Struct, frozen=True):
    """What becomes of one append: its answer, and the lines of it that are new."""

    outcome: Receipt | KeyReused | KeysKnown
    lines: list[bytes]


class _Answered(msgspec.Struct, frozen=True):
    fingerprint: bytes
    receipt: Receipt


class KeyBook:
    """The keys that matter to one transaction: looked up once, added to while its appends are settled, then written."""

    def __init__(self, connection: sqlite3.Connection, appends: Sequence[Append]) -> None:
        self._connection = connection
        self._ids = self._find_items({item.key for append in appends for item in append.items if item.key})
        self._answers = self._find_answers({append.once.key for append in appends if append.once})
        self._new_ids: dict[bytes, str] = {}
        self._new_answers: dict[bytes, _Answered] = {}

    def settle(self, append: Append) -> Settled:
        """Settle one append. Those before it in the same transaction count as appended."""
        if append.once and (answered := self._answers.get(append.once.key)):
            return Settled(_repeat(append.once, answered), [])
        if append.fresh:
            known = {key: self._ids[key] for key in append.fresh if key in self._ids}
            if known:
                return Settled(KeysKnown(known), [])
        lines: list[bytes] = []
        ids = tuple([self._settle_item(item, lines) for item in append.items])  # a list is half the time of a generator
        receipt = Receipt(ids, duplicates=len(ids) - len(lines))
        if append.once:
            self._answers[append.once.key] = answered = _Answered(append.once.fingerprint, receipt)
            self._new_answers[append.once.key] = answered
        return Settled(receipt, lines)

    def write(self, now_ms: int) -> None:
        """Write the keys that are new."""
        if self._new_ids:
            self._connection.executemany(
                "INSERT INTO item_key (key, id, time) VALUES (?, ?, ?)",
                [(key, first_id, now_ms) for key, first_id in self._new_ids.items()],
            )
        for key, answered in self._new_answers.items():
            self._connection.execute(
                "INSERT INTO once_key (key, fingerprint, ids, duplicates, time) VALUES (?, ?, ?, ?, ?)",
                (
                    key,
                    answered.fingerprint,
                    msgspec.json.encode(answered.receipt.ids).decode(),
                    answered.receipt.duplicates,
                    now_ms,
                ),
            )

    def _settle_item(self, item: Item, lines: list[bytes]) -> str:
        if item.key:
            first_id = self._ids.get(item.key)
            if first_id is not None:
                return first_id
            self._ids[item.key] = self._new_ids[item.key] = item.id
        lines.append(item.line)
        return item.id

    def _find_items(self, keys: set[bytes]) -> dict[bytes, str]:
        return dict(self._find("SELECT key, id FROM item_key", keys))

    def _find_answers(self, keys: set[bytes]) -> dict[bytes, _Answered]:
        rows = self._find("SELECT key, fingerprint, ids, duplicates FROM once_key", keys)
        return {
            key: _Answered(fingerprint, Receipt(tuple(msgspec.json.decode(ids, type=list[str])), duplicates))
            for key, fingerprint, ids, duplicates in rows
        }

    def _find(self, select: str, keys: set[bytes]) -> Iterable[Any]:
        wanted = list(keys)
        for start in range(0, len(wanted), _QUERY_SIZES[-1]):
            chunk = wanted[start : start + _QUERY_SIZES[-1]]
            size = next(size for size in _QUERY_SIZES if size >= len(chunk))
            chunk += chunk[-1:] * (size - len(chunk))
            yield from self._connection.execute(f"{select} WHERE key IN ({','.join('?' * size)})", chunk).fetchall()


def _repeat(once: Once, answered: _Answered) -> Receipt | KeyReused:
    if once.fingerprint != answered.fingerprint:
        return KeyReused("This key came before with another body.", hint="A new body needs a new key.")
    return msgspec.structs.replace(answered.receipt, repeated=True)
