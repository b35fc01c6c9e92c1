"""`clew search` shows a list as a table that links to its records and does nothing to a terminal but to be read."""

from __future__ import annotations

import io
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from clew.api.representation import show_item
from clew.cli.searching import build_table
from clew.core.ids import new_id
from clew.core.record import ErrorInfo, Record, summarize

SERVER = "https://clew.example"
TEXTS = st.text(max_size=30)


def item_of(**fields: Any) -> dict[str, Any]:
    record = Record(id=new_id(1_000), time=1_000, workspace="w", **{"kind": "step", **fields})
    return msgspec.json.decode(msgspec.json.encode(show_item(summarize(record))))  # type: ignore[no-any-return]


def shown(*items: dict[str, Any], is_terminal: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=400,
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else None,
        legacy_windows=False,
    )
    console.print(build_table(list(items), SERVER))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@given(text=TEXTS)
def test_a_record_is_one_row_that_a_terminal_does_not_obey(text: str) -> None:
    lines = shown(
        item_of(message=text, event=text, customer=text, keys={"order": text}, source_product=text)
    ).splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_a_row_links_to_its_record_and_red_is_a_failure() -> None:
    failed = item_of(status="failure", message="other", error=ErrorInfo(type="Refused", message="no postal code"))
    text = shown(failed, is_terminal=True)
    assert f"{SERVER}/records/{failed['id']}" in text
    assert "no postal code" in text
    assert "\x1b[31m" in text
    assert "\x1b[31m" not in shown(item_of(status="success", message="fine"), is_terminal=True)


def test_what_a_record_does_not_have_is_an_empty_cell() -> None:
    _, row = shown(item_of()).splitlines()
    assert row.split() == ["1970-01-01", "00:00:01.000", "info", "step"]
