"""The lock files: everything pinned with hashes, and no addresses."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from hatch_build import library_of

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
COMPILED = [path for path in LOCKS if path.name != "excludes.txt"]
PINNED = re.compile(
    r"^([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\\n((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def names_in(path: Path) -> set[str]:
    return {match[1] for match in PINNED.finditer(path.read_text())}


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", requirement)[0]).lower()


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.name)
def test_a_lock_file_is_names_versions_and_hashes_alone(path):
    rest = PINNED.sub("", path.read_text())
    assert names_in(path)
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []


def test_the_lock_files_hold_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    server = {
        normal(text)
        for text in project["project"]["dependencies"] + project["project"]["optional-dependencies"]["server"]
    }
    dev = {normal(text) for text in project["dependency-groups"]["dev"]}
    assert server <= names_in(ROOT / "requirements/server.txt")
    assert server | dev <= names_in(ROOT / "requirements/dev.txt")


def test_what_is_developed_with_is_what_is_served_with():
    def pins(name: str) -> dict[str, str]:
        return {m[1]: m[2] for m in PINNED.finditer((ROOT / "requirements" / name).read_text())}

    server, dev = pins("server.txt"), pins("dev.txt")
    assert {name: dev.get(name) for name in server} == server


def test_pandas_and_pyarrow_stay_out():
    assert {"pandas", "pyarrow", "numpy"}.isdisjoint(names_in(ROOT / "requirements/dev.txt"))


def test_the_npm_lock_file_has_hashes_and_no_addresses():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    libraries = {name: entry for name, entry in lock["packages"].items() if name}
    assert libraries
    assert [name for name, entry in libraries.items() if "integrity" not in entry or "resolved" in entry] == []
    assert "://" not in (ROOT / "package-lock.json").read_text()


def test_every_library_of_the_vendor_table_is_locked():
    package = json.loads((ROOT / "package.json").read_text())
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"][""]["dependencies"]
    assert package["dependencies"] == locked
    assert {library_of(source) for source in package["vendor"].values()} == set(locked)
