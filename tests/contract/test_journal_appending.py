"""The journal's contract, over both drivers: what an append answers, and what is known again."""

from __future__ import annotations

import asyncio

import pytest

from clew.core.errors import KeyReused
from clew.journal.journal import Append, Item, Journal, KeysKnown, Once
from harness.journal_place import append_of, item, lines_of, read_everything


class TestAppending:
    async def test_an_append_answers_the_ids_it_was_given(self, journal: Journal) -> None:
        receipt = await journal.append(append_of("a", "b"))
        assert (receipt.ids, receipt.duplicates, receipt.repeated) == (("a", "b"), 0, False)

    async def test_lines_come_out_byte_for_byte_and_in_order(self, journal: Journal) -> None:
        odd = Item("odd", '{"id": "odd" ,"n":12345678901234567890,"s":"\\u0000é"}'.encode())
        await journal.append(Append((odd, item("b"))))
        await journal.append(append_of("c"))
        assert read_everything(journal) == odd.line + b"\n" + lines_of("b", "c")

    async def test_a_large_append_comes_out_byte_for_byte(self, journal: Journal) -> None:
        items = tuple(item(f"r{n}", size=2_000) for n in range(1_500))
        await journal.append(Append(items))
        assert read_everything(journal) == b"".join(one.line + b"\n" for one in items)

    async def test_an_append_of_nothing_is_answered_and_adds_nothing(self, journal: Journal) -> None:
        assert (await journal.append(Append(()))).ids == ()
        assert journal.reader("log").read(10) is None
        assert journal.status().last == 0

    async def test_many_waiting_appends_are_all_written_once(self, journal: Journal) -> None:
        names = [f"r{n}" for n in range(500)]
        receipts = await asyncio.gather(*(journal.append(append_of(name)) for name in names))
        assert [receipt.ids for receipt in receipts] == [(name,) for name in names]
        assert sorted(read_everything(journal).splitlines()) == sorted(item(name).line for name in names)


class TestItemKeys:
    async def test_a_key_that_came_before_is_left_out_and_answered_with_the_first_id(self, journal: Journal) -> None:
        await journal.append(Append((item("a", key="k"),)))
        receipt = await journal.append(Append((item("b", key="k"), item("c", key="other"))))
        assert (receipt.ids, receipt.duplicates, receipt.repeated) == (("a", "c"), 1, False)
        assert read_everything(journal) == lines_of("a", "c")

    async def test_a_key_twice_in_one_append_is_written_once(self, journal: Journal) -> None:
        receipt = await journal.append(Append((item("a", key="k"), item("b"), item("c", key="k"))))
        assert (receipt.ids, receipt.duplicates) == (("a", "b", "a"), 1)
        assert read_everything(journal) == lines_of("a", "b")

    async def test_an_empty_key_never_matches(self, journal: Journal) -> None:
        await journal.append(append_of("a", "b"))
        assert (await journal.append(append_of("c"))).duplicates == 0
        assert read_everything(journal) == lines_of("a", "b", "c")

    async def test_an_append_of_duplicates_alone_adds_no_position(self, journal: Journal) -> None:
        await journal.append(Append((item("a", key="k"),)))
        await journal.append(Append((item("b", key="k"),)))
        assert journal.status().last == 1

    async def test_of_waiting_appends_with_the_same_key_one_is_written(self, journal: Journal) -> None:
        receipts = await asyncio.gather(*(journal.append(Append((item(f"r{n}", key="k"),))) for n in range(50)))
        first = receipts[0].ids
        assert {receipt.ids for receipt in receipts} == {first}
        assert sum(receipt.duplicates for receipt in receipts) == 49
        assert read_everything(journal) == lines_of(*first)

    async def test_many_keys_in_one_append_are_each_recognised(self, journal: Journal) -> None:
        items = tuple(item(f"r{n}", key=f"k{n}") for n in range(700))
        assert (await journal.append(Append(items))).duplicates == 0
        again = await journal.append(Append(tuple(item(f"s{n}", key=f"k{n}") for n in range(350, 1_050))))
        assert again.duplicates == 350
        assert again.ids == tuple(f"r{n}" if n < 700 else f"s{n}" for n in range(350, 1_050))


class TestFreshKeys:
    async def test_a_fresh_key_that_came_before_names_its_first_id_and_nothing_is_written(
        self, journal: Journal
    ) -> None:
        await journal.append(Append((item("a", key="k"),)))
        known, new = item("b", key="k"), item("c", key="other")
        with pytest.raises(KeysKnown) as caught:
            await journal.append(Append((known, new, item("d")), fresh=(known.key, new.key)))
        assert caught.value.ids == {known.key: "a"}
        assert read_everything(journal) == lines_of("a")
        assert (await journal.append(Append((new,)))).duplicates == 0

    async def test_fresh_keys_that_are_new_change_nothing(self, journal: Journal) -> None:
        parent, again = item("a", key="k"), item("b", key="k")
        receipt = await journal.append(Append((parent, again), fresh=(parent.key,)))
        assert (receipt.ids, receipt.duplicates) == (("a", "a"), 1)
        assert read_everything(journal) == lines_of("a")

    async def test_of_waiting_appends_with_the_same_fresh_key_one_is_written(self, journal: Journal) -> None:
        items = [item(f"r{n}", key="k") for n in range(20)]
        outcomes = await asyncio.gather(
            *(journal.append(Append((one,), fresh=(one.key,))) for one in items), return_exceptions=True
        )
        receipts = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        [receipt] = receipts
        refused = [outcome for outcome in outcomes if isinstance(outcome, KeysKnown)]
        assert [error.ids for error in refused] == [{items[0].key: receipt.ids[0]}] * 19
        assert read_everything(journal) == lines_of(*receipt.ids)

    async def test_a_repeated_append_is_answered_as_the_first_though_its_keys_are_known_now(
        self, journal: Journal
    ) -> None:
        parent = item("a", key="k")
        append = Append((parent,), Once(b"key", b"body"), fresh=(parent.key,))
        first = await journal.append(append)
        again = await journal.append(append)
        assert (again.ids, again.repeated) == (first.ids, True)


class TestOnce:
    async def test_the_same_key_and_fingerprint_repeats_the_first_receipt(self, journal: Journal) -> None:
        await journal.append(Append((item("a", key="k"),)))
        first = await journal.append(Append((item("b", key="k"), item("c")), Once(b"key", b"body")))
        again = await journal.append(append_of("d", "e", once=Once(b"key", b"body")))
        assert (first.ids, first.duplicates, first.repeated) == (("a", "c"), 1, False)
        assert (again.ids, again.duplicates, again.repeated) == (first.ids, first.duplicates, True)
        assert read_everything(journal) == lines_of("a", "c")

    async def test_another_fingerprint_is_refused_and_nothing_is_written(self, journal: Journal) -> None:
        await journal.append(append_of("a", once=Once(b"key", b"body")))
        with pytest.raises(KeyReused):
            await journal.append(Append((item("b", key="k"),), Once(b"key", b"another")))
        assert (await journal.append(Append((item("c", key="k"),)))).duplicates == 0
        assert read_everything(journal) == lines_of("a", "c")

    async def test_a_key_of_an_append_is_no_key_of_an_item(self, journal: Journal) -> None:
        shared = item("a", key="k")
        await journal.append(Append((shared,)))
        receipt = await journal.append(append_of("b", once=Once(shared.key)))
        assert (receipt.ids, receipt.repeated) == (("b",), False)

    async def test_one_refused_append_does_not_refuse_those_that_wait_with_it(self, journal: Journal) -> None:
        await journal.append(append_of("a", once=Once(b"key", b"body")))
        outcomes = await asyncio.gather(
            journal.append(append_of("b")),
            journal.append(append_of("c", once=Once(b"key", b"another"))),
            journal.append(append_of("d", once=Once(b"key", b"body"))),
            journal.append(append_of("e", once=Once(b"new", b"1"))),
            journal.append(append_of("f", once=Once(b"new", b"2"))),
            journal.append(append_of("g", once=Once(b"new", b"1"))),
            return_exceptions=True,
        )
        assert [type(outcome).__name__ for outcome in outcomes] == [
            *("Receipt", "KeyReused", "Receipt", "Receipt", "KeyReused", "Receipt")
        ]
        assert [o.ids for o in outcomes if not isinstance(o, BaseException)] == [("b",), ("a",), ("e",), ("e",)]
        assert read_everything(journal) == lines_of("a", "b", "e")
