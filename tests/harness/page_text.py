"""What is read on a page: its words without the markup."""

from __future__ import annotations

import re
from html import unescape


def text_of(html: str) -> str:
    """The words of a piece of HTML, in one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html))).strip()


def main_text_of(html: str) -> str:
    """The words of a page's own content, without what stands around it on every page."""
    main = html[html.index("<main") :]
    return text_of(main[: main.index("</main>")])


def headings_of(html: str) -> list[str]:
    """The headings of the first table, without the arrows of its order and the name of its zone."""
    head = html[html.index("<thead>") : html.index("</thead>")]
    return [text_of(cell).rstrip(" ↓↑").removesuffix(" (UTC)") for cell in re.findall(r"<th.*?</th>", head, re.DOTALL)]


def cells_of(html: str) -> list[list[str]]:
    """The rows of the first table, each as the words of its cells."""
    body = html[html.index("<tbody>") : html.index("</tbody>")] if "<tbody>" in html else ""
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in rows]
