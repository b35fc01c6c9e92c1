"""What a record carried: its payload, and the request and response of its HTTP exchange."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from clew.core.record import Body, Record
from clew.core.removal import PAYLOAD, place_of_body
from clew.web.json_tree import MAX_NODES, build_json_tree
from clew.web.record.curl import build_curl
from clew.web.record.removed import say_removed_place
from clew.web.record.views import BodyView, Exchange, Payload, Side
from clew.web.wording import say_size

MAX_RAW_CHARS = 1_048_576
"""What a browser still lays out at once; the whole is in the download."""

_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}(?:; ?[\w-]{1,40}=[\w.\"-]{1,80})*\Z", re.ASCII)
_EXTENSIONS = {"json": "json", "xml": "xml", "csv": "csv", "plain": "txt", "html": "html", "pdf": "pdf"}


def build_payload(record: Record, *, is_raw: bool) -> Payload:
    """The payload, as a tree where it is JSON and raw was not asked for."""
    here = f"/records/{record.id}?tab=payload"
    is_binary = record.payload_encoding == "base64"
    body = build_body(record.payload, is_binary, len(record.payload_bytes()), record.content_type, with_tree=not is_raw)
    return Payload(
        body=body,
        is_raw=body.tree is None,
        tree_href=here,
        raw_href=f"{here}&view=raw",
        download_href=f"/records/{record.id}/payload",
    )


def build_body(text: str, is_binary: bool, size: int, content_type: str, *, with_tree: bool = True) -> BodyView:
    """A body, as a tree where it is JSON. `size` is its length in bytes."""
    tree = build_json_tree(text) if with_tree and not is_binary else None
    notes = []
    if is_binary:
        notes.append("Not text: shown as base64.")
    if tree is not None and tree.is_cut:
        notes.append(f"The first {MAX_NODES:,} values are shown here.")
    if tree is None and len(text) > MAX_RAW_CHARS:
        notes.append(f"The first {MAX_RAW_CHARS:,} characters are shown here.")
    return BodyView(
        # A page cannot hold a NUL: the browser would drop it. Its picture says that it is there.
        text="" if tree is not None else text[:MAX_RAW_CHARS].replace("\0", "\u2400"),
        tree=tree,
        size=say_size(size),
        content_type=content_type,
        note=" ".join(notes),
    )


def build_exchange(record: Record) -> Exchange | None:
    """The request and the response, or None where there was no HTTP."""
    http = record.http
    if http is None:
        return None
    is_payload = http.request_body is None and http.direction == "incoming" and record.payload
    request_note, response_note = (
        say_removed_place(record, place_of_body(name)) or "No body" for name in ("request_body", "response_body")
    )
    href = ""
    if is_payload:
        request_note, href = "The request's body is the payload", f"/records/{record.id}?tab=payload"
    elif http.request_body is None and http.direction == "incoming":
        request_note = say_removed_place(record, PAYLOAD) or request_note
    return Exchange(
        direction="Incoming: it came to us" if http.direction == "incoming" else "Outgoing: we sent it",
        method=http.method,
        url=http.url,
        status_code=http.status_code,
        is_failure=record.status == "failure",
        request=msgspec.structs.replace(
            _side(http.request_headers, http.request_body, request_note, href), query=_query_of(http.url)
        ),
        response=_side(http.response_headers, http.response_body, response_note if http.status_code else "No response"),
        curl=build_curl(record),
    )


def _query_of(url: str) -> tuple[tuple[str, str], ...]:
    """What stands behind the question mark of an address, decoded."""
    return tuple(parse_qsl(url.partition("#")[0].partition("?")[2], keep_blank_values=True, errors="replace"))


def _side(headers: Mapping[str, str], body: Body | None, note: str, href: str = "") -> Side:
    return Side(
        headers=tuple(headers.items()),
        body=_body(body, headers) if body is not None and body.text else None,
        note=note,
        note_href=href,
    )


def _body(body: Body, headers: Mapping[str, str]) -> BodyView:
    content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    view = build_body(body.text, body.encoding == "base64", body.size, content_type)
    if not body.cut:
        return view
    return BodyView(
        text=view.text,
        tree=view.tree,
        size=view.size,
        content_type=view.content_type,
        note=f"{view.note} Only the beginning was kept.".strip(),
    )


def media_type_of(record: Record) -> str:
    """The payload's content type where it is one, so that nothing a sender writes there becomes another header."""
    return record.content_type if _MEDIA_TYPE.match(record.content_type) else "application/octet-stream"


def file_name_of(record: Record) -> str:
    """What the download is called."""
    subtype = media_type_of(record).partition(";")[0].partition("/")[2]
    extension = _EXTENSIONS.get(subtype.rpartition("+")[2], "bin")
    return f"{record.id}.{extension}"
