"""Finds the Chromium of the browser tests, and installs one where there is none.

In this order: the one that `CHROMIUM` names, one on PATH, one that Playwright brought, Debian's package, Playwright's
own. `python scripts/chromium.py` prints its path; `--install` makes sure that there is one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class NoChromium(Exception):
    """There is no Chromium, or none could be installed. The message says what to do."""


def find_chromium() -> Path | None:
    """The browser that the tests drive, or None where the machine has none.

    Raises `NoChromium` where `CHROMIUM` names something that is not there.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        path = shutil.which(named)
        if path is None:
            raise NoChromium(f"CHROMIUM names {named!r}, which cannot be run.")
        return Path(path)
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(on_path) if on_path else find_playwrights_own()


def find_playwrights_own() -> Path | None:
    """The Chromium that `playwright install` brought for this version of Playwright, or None."""
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.is_file() else None


def install_chromium() -> Path:
    """Install one: Debian's package where that can be done, else Playwright's own. Raises `NoChromium`."""
    installed = install_debians() or install_playwrights_own()
    found = find_chromium()
    if not installed or found is None:
        raise NoChromium("No Chromium could be installed. Install one, or name one: CHROMIUM=/path/to/chromium")
    return found


def install_debians() -> bool:
    """Install Debian's package, as root and where there is apt. False where that is not so or it fails."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return run(["apt-get", "update", "-q"], quietly) and run(
        # Without its recommendations it brings no font, and a page without letters cannot be read on a screenshot.
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-liberation"],
        quietly,
    )


def install_playwrights_own() -> bool:
    """Download the Chromium that Playwright was made for. False where that fails."""
    return run([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ))


def run(command: list[str], environ: dict[str, str]) -> bool:
    """Run it with its output on our standard error. Whether it succeeded."""
    print("$", *command, file=sys.stderr)
    return (
        subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode == 0
    )


def main() -> int:
    """The command. Exit code 1 where there is no Chromium in the end."""
    try:
        found = find_chromium()
        if found is None and "--install" in sys.argv[1:]:
            found = install_chromium()
    except NoChromium as error:
        print(error, file=sys.stderr)
        return 1
    if found is None:
        print("There is no Chromium here. `make browser` installs one.", file=sys.stderr)
        return 1
    print(f"Chromium: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
