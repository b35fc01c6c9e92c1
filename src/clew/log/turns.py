"""How many may do something costly at one time. Who comes while all turns are taken is told to come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clew.core.errors import TooMany

RETRY_AFTER_S = 10


class Turns:
    """`most` turns, used from one event loop. `what` says in the plural what they are for."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._taken = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """A turn, until the block is left. Raises `TooMany` where there is none."""
        if self._taken >= self._most:
            raise TooMany(
                f"{self._taken} {self._what} run, and no more than {self._most} may at one time.",
                hint="Try again when one of them has ended.",
                retry_after_s=RETRY_AFTER_S,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
