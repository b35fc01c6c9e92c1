"""The documents lead where they say, and name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import clew

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"`make ([a-z-]+)")
SETTING = re.compile(r"\bCLEW_[A-Z_]+\b")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
IMPORTED = re.compile(r"^from clew import (.+)$", re.MULTILINE)


def in_documents(pattern: re.Pattern[str]) -> list[tuple[Path, str]]:
    """Each thing the pattern finds, with the document that has it."""
    return [
        (path, match[1] if pattern.groups else match[0])
        for path in DOCUMENTS
        for match in pattern.finditer(path.read_text())
    ]


def test_every_link_leads_to_a_file():
    links = [(path, link) for path, link in in_documents(LINK) if "://" not in link]
    assert links
    assert [f"{path.name}: {link}" for path, link in links if not (path.parent / link).exists()] == []


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = in_documents(TARGET)
    assert named
    assert [f"{path.name}: {name}" for path, name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_every_setting_that_is_named_exists():
    existing = set(re.findall(r"`(CLEW_[A-Z_]+)`", (ROOT / "docs/settings.md").read_text()))
    existing |= {f"{name}_FILE" for name in existing}
    named = [(path, name) for path, name in in_documents(SETTING) if not name.endswith("_")]
    assert [f"{path.name}: {name}" for path, name in named if name not in existing] == []


def test_every_name_imported_from_clew_in_the_documents_exists():
    imported = [name for _, names in in_documents(IMPORTED) for name in names.split(", ")]
    assert imported
    assert [name for name in imported if not hasattr(clew, name)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_documents_python_compiles(path):
    for block in PYTHON.findall(path.read_text()):
        compile(block, str(path), "exec")


def test_every_folder_of_the_package_is_in_the_architecture():
    told = (ROOT / "ARCHITECTURE.md").read_text()
    folders = sorted(path.parent.name for path in (ROOT / "src/clew").glob("*/__init__.py"))
    assert folders
    assert [name for name in folders if f"`{name}/`" not in told] == []
