"""The shape of the code: layers as pyproject.toml names them, no cycles, and a package that imports light."""

from __future__ import annotations

import graphlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9._-]+")


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Module → the modules it imports, lazily and for types alone included."""
    graph = grimp.build_graph("clew", cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def test_each_folder_imports_only_those_before_it():
    done = subprocess.run(
        [sys.executable, "-m", "importlinter.cli", "lint", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_imports_itself_by_way_of_others(imports):
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_file_is_named_for_nothing():
    unwanted = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
    named = [
        str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.py") if {path.stem, path.parent.name} & unwanted
    ]
    assert named == []


IMPORT_WITH_ONLY = """
import importlib.abc, json, sys
blocked = set(json.loads(sys.argv[1]))

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import clew
for name in getattr(clew, "__all__", ()):
    getattr(clew, name)
"""


def test_the_package_imports_without_the_servers_dependencies():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_WITH_ONLY, json.dumps(sorted(modules_of_the_server_alone()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def modules_of_the_server_alone() -> set[str]:
    """Every installed top-level module that `pip install clew` without extras would not bring."""
    allowed = closure("clew")
    blocked = {
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if allowed.isdisjoint(map(normal, distributions))
    }
    assert {"litestar", "sqlalchemy", "chdb", "uvicorn", "jinja2"} <= blocked
    return blocked


def closure(distribution: str) -> set[str]:
    """The distribution, which is ours, and all that it requires, extras left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = {normal(distribution)}
    waiting = [name_of(text) for text in project["dependencies"]]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            requirements = importlib.metadata.requires(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue  # required on other systems only
        waiting += [name_of(text) for text in requirements if "extra ==" not in text]
    return found


def name_of(requirement: str) -> str:
    return normal(REQUIREMENT_NAME.match(requirement)[0])


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
