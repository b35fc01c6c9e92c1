"""Writes docs/features.md from docs/features.toml and from the tests, which name the rows they keep.

A test names its rows with `@pytest.mark.feature("A01", "A02")`, on itself, on its class, or for its whole file in
`pytestmark`. They are read from the source: no test is run, and none imported.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "docs" / "features.toml"
PAGE = ROOT / "docs" / "features.md"
TESTS = ROOT / "tests"
MARKER = "pytest.mark.feature"
MUST_BE_TESTED = "ABC"
"""The sections whose rows with the mark M are not there before a test says so."""

HEAD = """\
# Features

Row by row what Clew does, where it is, and which test keeps it so. **M** must be there, with these words on the page;
**E** is expected of a system like this; **D** is a decision of ours. What is not there yet says what it waits for.

{figures}
"""

FOOT = "\n_Written by `make docs` from `docs/features.toml` and the tests that name a row._\n"


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One feature. Either `page`, where it is, or `missing`, why it is not."""

    id: str
    mark: Literal["M", "E", "D"]
    feature: str
    page: str = ""
    missing: str = ""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Features that belong together."""

    title: str
    rows: tuple[Row, ...]


class NamedTest(msgspec.Struct, frozen=True, order=True):
    """A test and the file it is in, below the root."""

    path: str
    name: str

    @property
    def sentence(self) -> str:
        """What it holds."""
        return self.name.removeprefix("test_").replace("_", " ")


def read_sections(path: Path = ROWS) -> tuple[Section, ...]:
    """The rows as they are written down. Raises `msgspec.ValidationError` for one that is none."""
    return msgspec.convert(tomllib.loads(path.read_text())["sections"], tuple[Section, ...])


def find_tests(folder: Path = TESTS) -> dict[str, list[NamedTest]]:
    """The tests that name a row, by its id, in the order of their files and in them of their lines."""
    found: dict[str, list[NamedTest]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for name, ids in read_markers(ast.parse(path.read_text())):
            for row_id in ids:
                found.setdefault(row_id, []).append(NamedTest(path.relative_to(folder.parent).as_posix(), name))
    return found


def read_markers(module: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Each test of a file with the rows that it, its class or its file names."""
    yield from _read_body(module.body, [])


def _read_body(body: list[ast.stmt], outer: list[str]) -> Iterator[tuple[str, list[str]]]:
    outer = [*outer, *(row_id for statement in body for row_id in _ids_of_pytestmark(statement))]
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _read_body(statement.body, [*outer, *_ids_in(statement.decorator_list)])
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith("test_"):
            yield statement.name, list(dict.fromkeys([*outer, *_ids_in(statement.decorator_list)]))


def _ids_of_pytestmark(statement: ast.stmt) -> list[str]:
    if not isinstance(statement, ast.Assign) or ast.unparse(statement.targets[0]) != "pytestmark":
        return []
    value = statement.value
    return _ids_in(value.elts if isinstance(value, ast.List | ast.Tuple) else [value])


def _ids_in(marks: Iterable[ast.expr]) -> list[str]:
    """The ids that markers name. Raises `SystemExit` for one that is no text: it could not be read here."""
    ids = []
    for mark in marks:
        if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != MARKER:
            continue
        for argument in mark.args:
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                raise SystemExit(f"{ast.unparse(mark)} names a row by something that is no text.")
            ids.append(argument.value)
    return ids


def find_faults(sections: Iterable[Section], tests: dict[str, list[NamedTest]]) -> list[str]:
    """What is wrong between the rows and the tests, in sentences. Empty where all is well."""
    rows = [row for section in sections for row in section.rows]
    ids = [row.id for row in rows]
    faults = [f"{row_id} is there twice." for row_id in sorted(set(ids)) if ids.count(row_id) > 1]
    faults += [f"{row.id} says both where it is and why it is not." for row in rows if row.page and row.missing]
    faults += [f"{row.id} says neither where it is nor why it is not." for row in rows if not (row.page or row.missing)]
    faults += [
        f"{row.id} must be there and no test names it."
        for row in rows
        if row.mark == "M" and row.id[0] in MUST_BE_TESTED and not row.missing and row.id not in tests
    ]
    faults += [
        f"{test.path}: {test.name} names {row_id}, which is no row."
        for row_id, named in tests.items()
        for test in named
        if row_id not in ids
    ]
    return faults


def features_page(sections: tuple[Section, ...], tests: dict[str, list[NamedTest]]) -> str:
    """The whole page."""
    parts = [HEAD.format(figures=say_figures(sections, tests))]
    parts += [say_section(section, tests) for section in sections]
    return "".join(parts) + FOOT


def say_figures(sections: tuple[Section, ...], tests: dict[str, list[NamedTest]]) -> str:
    """How much of it there is."""
    rows = [row for section in sections for row in section.rows]
    there = [row for row in rows if not row.missing]
    tested = [row for row in there if row.id in tests]
    return f"Of {len(rows)} rows {len(there)} are there, {len(tested)} of them named by a test."


def say_section(section: Section, tests: dict[str, list[NamedTest]]) -> str:
    """A heading and a table."""
    lines = [f"\n## {section.title}\n\n", "| id | feature | | where | tests |\n", "|---|---|---|---|---|\n"]
    lines += [say_row(row, tests.get(row.id, [])) for row in section.rows]
    return "".join(lines)


def say_row(row: Row, tests: list[NamedTest]) -> str:
    """One line of a table."""
    where = f"_not yet: {row.missing}_" if row.missing else f"`{row.page}`" if row.page[0] in "/?" else row.page
    held = "<br>".join(f"[{test.sentence}](../{test.path})" for test in tests)
    return f"| {row.id} | {row.feature} | {row.mark} | {where} | {held} |\n"


def main() -> int:
    """Write the page. Exit code 1 where rows and tests do not go together; the page is written all the same."""
    sections, tests = read_sections(), find_tests()
    PAGE.write_text(features_page(sections, tests))
    print(f"Wrote {PAGE.name}", file=sys.stderr)
    faults = find_faults(sections, tests)
    print("\n".join(faults), end="\n" if faults else "", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
