"""Writes docs/settings.md from the settings themselves, so that it cannot say otherwise. A test holds it current."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from typing import Any

import msgspec

from clew.core import settings
from clew.core.settings import PREFIX, SECRETS, Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

HEAD = """\
# Settings

Every setting has a default: `clew serve` needs none. Each is read from the environment, then from `clew.toml` in the
working directory, then from its default, the first that has it. A setting that does not exist, or a value that it
cannot take, stops the server with a message that names it.

- In the environment its name is in capitals with `CLEW_` before it: `CLEW_PORT=8420`.
- In `clew.toml` it is in lower case without the prefix: `port = 8420`.
- A list is written in the environment with commas: `CLEW_REDACT_NAMES=iban,card_number`.
- A **secret** may also be given as a file, whose name is in the variable with `_FILE` behind it:
  `CLEW_ADMIN_KEY_FILE=/run/secrets/admin-key`. A secret is never printed.

| setting | default | what it is |
|---|---|---|
"""

FOOT = "\n_Written by `make docs` from `src/clew/core/settings.py`._\n"


def settings_page() -> str:
    """The whole page."""
    meanings = read_meanings()
    rows = [row_of(field, meanings[field.name]) for field in msgspec.structs.fields(Settings)]
    return HEAD + "".join(rows) + FOOT


def row_of(field: msgspec.structs.FieldInfo, meaning: str) -> str:
    """One line of the table."""
    secret = " Secret." if field.name in SECRETS else ""
    return f"| `{PREFIX}{field.name.upper()}` | {default_text(field.default)} | {meaning}{secret} |\n"


def default_text(default: Any) -> str:
    """A default as a person writes it. Sizes in whole MiB are shown as such."""
    if default in ("", ()):
        return ""
    if isinstance(default, int) and default >= settings.MIB and default % settings.MIB == 0:
        return f"`{default}` ({default // settings.MIB} MiB)"
    return f"`{default}`"


def read_meanings() -> dict[str, str]:
    """What the docstring under each field says, on one line. Raises `SystemExit` naming a field that has none."""
    tree = ast.parse(inspect.getsource(settings))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    meanings = {}
    for field, below in zip(body, [*body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if not (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)):
            raise SystemExit(f"The setting {field.target.id!r} has no docstring under it.")
        meanings[field.target.id] = " ".join(str(below.value.value).split())
    return meanings


if __name__ == "__main__":
    PAGE.write_text(settings_page())
    print(f"Wrote {PAGE.name}", file=sys.stderr)
