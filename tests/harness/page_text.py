"""What is read on a page: its words without the markup."""

from __future__ import annotations

import json
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


def events_of(html: str) -> list[str]:
    """What the rows of a log say happened, in their order."""
    return [unescape(text) for text in re.findall(r'<td class="event[^"]*"><a href="[^"]+">(.*?)</a>', html)]


def link_of(html: str, label: str) -> str:
    """Where the first link leads whose words begin so."""
    match = re.search(rf'<a [^>]*?href="([^"]+)"[^>]*>{re.escape(label)}', html)
    assert match, label
    return unescape(match[1])


def token_of(html: str) -> str:
    """What a form of this page carries, so that it is known to be ours."""
    match = re.search(r'name="form_token" value="([0-9a-f]+)"', html)
    assert match
    return match[1]


def steps_of(html: str) -> dict[str, str]:
    """What the page of a run says of each node, by its name."""
    table = html[html.index('id="steps"') :]
    rows = re.findall(r'<th scope="row">(.*?)</th>\s*(.*?)</tr>', table, re.DOTALL)
    plain = [text_of(cell) for row in rows for cell in row]
    return dict(zip(plain[::2], plain[1::2], strict=True))


def graph_of(html: str) -> dict[str, dict[str, object]]:
    """The nodes of the graph that a page draws by their ids, and whether each link was taken."""
    found = re.search(r'data-graph="([^"]*)"', html)
    assert found
    graph = json.loads(unescape(found[1]))
    return {node["id"]: node for node in graph["nodes"]} | {
        f"{link['source']}→{link['target']}": link["is_taken"] for link in graph["links"]
    }
