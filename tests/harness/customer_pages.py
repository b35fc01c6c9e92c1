"""A customer's Integration Events as they are read."""

from __future__ import annotations

import re

from harness.page_text import text_of

HERE = "/customers/acme/integration-events"


def section(html: str, heading: str) -> str:
    start = html.index(f">{heading}")
    return html[html.rindex("<section", 0, start) : html.index("</section>", start)]


def headings(part: str) -> list[str]:
    head = part[part.index("<thead") : part.index("</thead>")]
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<th[^>]*>(.*?)</th>", head, re.DOTALL)]


def rows_of(part: str) -> list[list[str]]:
    body = part[part.index("<tbody") : part.index("</tbody>")] if "<tbody" in part else ""
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    cells = [re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL) for row in rows]
    return [[text_of(one) for one in row] for row in cells]


def events_of(html: str) -> list[str]:
    return [row[3] for row in rows_of(section(html, "Application Events"))]


def details_of(html: str) -> list[list[str]]:
    return rows_of(section(html, "Event Details"))
