"""Both drivers of the journal side by side: whatever is done, they answer alike."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clew.core.clock import HOUR_MS, FakeClock
from clew.core.errors import KeyReused
from clew.journal.journal import Append, Block, Journal, KeysKnown, Once
from harness.journal_place import DRIVERS, Place, item

KEYS = st.sampled_from(["", "", "k1", "k2", "k3", "k4"])


class BothJournals(RuleBasedStateMachine):
    """Whatever is done, the SQLite driver answers as the memory does."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.places = [Place(driver, self.directory) for driver in DRIVERS]
        for place in self.places:
            place.clock = FakeClock()
        self.journals = [place.open() for place in self.places]
        self.runner = asyncio.Runner()
        self.number = 0

    def teardown(self) -> None:
        for place in self.places:
            place.close()
        self.runner.close()
        shutil.rmtree(self.directory)

    @rule(
        keys=st.lists(KEYS, max_size=5),
        once=st.none() | st.tuples(st.sampled_from([b"o1", b"o2"]), st.sampled_from([b"", b"f1"])),
        size=st.sampled_from([0, 10, 5_000]),
        is_fresh=st.booleans(),
    )
    def append(self, keys: list[str], once: tuple[bytes, bytes] | None, size: int, is_fresh: bool) -> None:
        items = []
        for key in keys:
            self.number += 1
            items.append(item(f"r{self.number}", key, size))
        fresh = tuple(one.key for one in items if one.key) if is_fresh else ()
        append = Append(tuple(items), Once(*once) if once else None, fresh)
        self.same(lambda journal: self.runner.run(journal.append(append)))

    @rule(name=st.sampled_from(["log", "dispatch"]), max_records=st.integers(1, 8))
    def read(self, name: str, max_records: int) -> None:
        self.same(lambda journal: without_token(journal.reader(name).read(max_records)))

    @rule(name=st.sampled_from(["log", "dispatch"]), max_records=st.integers(1, 8))
    def read_and_commit(self, name: str, max_records: int) -> None:
        def step(journal: Journal) -> object:
            reader = journal.reader(name)
            block = reader.read(max_records)
            if block:
                reader.commit(block)
            return without_token(block)

        self.same(step)

    @rule(name=st.sampled_from(["log", "dispatch"]))
    def wait(self, name: str) -> None:
        self.same(lambda journal: journal.reader(name).wait(0))

    @rule()
    def trim(self) -> None:
        self.same(lambda journal: journal.trim())

    @rule(hours=st.integers(1, 40))
    def let_time_pass(self, hours: int) -> None:
        for place in self.places:
            place.clock.advance(hours * HOUR_MS)

    @rule(is_clean=st.booleans())
    def restart(self, is_clean: bool) -> None:
        if is_clean:
            self.journals[1].close()
        self.journals = [place.open() for place in self.places]

    @invariant()
    def they_stand_alike(self) -> None:
        if hasattr(self, "journals"):
            self.same(lambda journal: (journal.status().last, journal.status().readers))

    def same(self, step: Callable[[Journal], object]) -> None:
        memory, sqlite = (outcome_of(step, journal) for journal in self.journals)
        assert sqlite == memory


def outcome_of(step: Callable[[Journal], object], journal: Journal) -> object:
    try:
        return step(journal)
    except KeyReused as error:
        return error.detail
    except KeysKnown as error:
        return error.ids


def without_token(block: Block | None) -> object:
    return block and (block.first, block.last, block.lines, block.count, block.oldest_ms)


BothJournals.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestBothJournals = BothJournals.TestCase
