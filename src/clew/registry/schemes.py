"""How senders sign their webhooks, as data. `doors/signatures.py` does what is written here.

One scheme with a few places to fill in covers nearly every sender; GitHub, Stripe, Shopify, Slack and Standard Webhooks
are instances of it. Secrets are named, never written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import timedelta
from types import FrameType
from typing import Literal

import msgspec

from clew.core.errors import SettingsError

_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}\Z")
# What providers hand out as secrets, and hex: most likely the secret itself was written.
_LOOKS_SECRET = re.compile(r"(whsec_|shpss_|sk_live_|sk_test_|xox[a-z]-|gh[a-z]_)|[0-9a-fA-F]{32,}\Z")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
PLACEHOLDERS = ("body", "timestamp", "id", "method", "url", "path")
"""What the signed content of a scheme may be made of."""


class SignatureScheme(msgspec.Struct, frozen=True, kw_only=True):
    """How a sender signs: what, with which hash, and where the signature stands.

    `secrets` are names, several while one is rotated. `header` and the other header names are alternatives for the
    same thing: where the second `header` is found, the second `timestamp_header` and `id_header` belong to it.
    `content` is what is signed, made of `{body}`, `{timestamp}`, `{id}`, `{method}`, `{url}` and `{path}`.
    `separator` splits the header where it holds several fields or signatures; those that begin with `prefix` are
    signatures. `timestamp_field` names a field of that header (Stripe's `t`). `tolerance_s` 0 accepts any time.
    `key_encoding` says how the secret's text stands for the key's bytes, after `key_prefix` is taken off.
    """

    name: str = "custom"
    secrets: tuple[str, ...]
    header: tuple[str, ...]
    prefix: str = ""
    content: str = "{body}"
    hash: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    separator: str = ""
    timestamp_header: tuple[str, ...] = ()
    timestamp_field: str = ""
    tolerance_s: int = 0
    id_header: tuple[str, ...] = ()
    key_encoding: Literal["text", "base64", "hex"] = "text"
    key_prefix: str = ""

    def __post_init__(self) -> None:
        one_of("hash", self.hash, ("sha256", "sha1", "sha512"))
        one_of("encoding", self.encoding, ("hex", "base64"))
        one_of("key_encoding", self.key_encoding, ("text", "base64", "hex"))
        if not self.secrets:
            raise wrong("A signature scheme needs a secret.", 'Name it: secret="ERP_SECRET".')
        for secret in self.secrets:
            check_secret_name(secret)
        for header in (*self.header, *self.timestamp_header, *self.id_header):
            if not _HEADER.match(header):
                raise wrong(f"{header!r} is no name of a header.", "Names are letters, digits and dashes.")
        self._check_content()

    def _check_content(self) -> None:
        used = set(_PLACEHOLDER.findall(self.content))
        if unknown := used - set(PLACEHOLDERS):
            raise wrong(
                f"The signed content {self.content!r} has {{{min(unknown)}}}, which is not known.",
                f"Known are {', '.join(f'{{{name}}}' for name in PLACEHOLDERS)}.",
            )
        if "body" not in used:
            raise wrong(
                f"The signed content {self.content!r} leaves out {{body}}, so anyone could change it.", "Add {body}."
            )
        has_timestamp = bool(self.timestamp_header or self.timestamp_field)
        if ("timestamp" in used) != has_timestamp:
            raise wrong(
                "{timestamp} in the signed content and the place of the timestamp belong together.",
                "Give both `timestamp_header` (or `timestamp_field`) and {timestamp} in `content`, or neither.",
            )
        if "id" in used and not self.id_header:
            raise wrong(
                f"The signed content {self.content!r} has {{id}}, and no `id_header` says where it stands.", "Add it."
            )


Secret = str | tuple[str, ...]
"""The name of a secret, or several names while one is rotated."""

_FIVE_MINUTES = timedelta(minutes=5)


def hmac_sha256(
    header: str,
    *,
    secret: Secret,
    prefix: str = "",
    content: str = "{body}",
    encoding: Literal["hex", "base64"] = "hex",
    separator: str = "",
    timestamp_header: str = "",
    timestamp_field: str = "",
    tolerance: timedelta = _FIVE_MINUTES,
    id_header: str = "",
    key_encoding: Literal["text", "base64", "hex"] = "text",
    key_prefix: str = "",
) -> SignatureScheme:
    """HMAC-SHA256 as nearly every sender does it. See `SignatureScheme` for the arguments."""
    has_timestamp = bool(timestamp_header or timestamp_field)
    return SignatureScheme(
        secrets=_names(secret),
        header=(header,),
        prefix=prefix,
        content=content,
        encoding=encoding,
        separator=separator,
        timestamp_header=(timestamp_header,) if timestamp_header else (),
        timestamp_field=timestamp_field,
        tolerance_s=int(tolerance.total_seconds()) if has_timestamp else 0,
        id_header=(id_header,) if id_header else (),
        key_encoding=key_encoding,
        key_prefix=key_prefix,
    )


def github(*, secret: Secret) -> SignatureScheme:
    """GitHub: `X-Hub-Signature-256: sha256=<hex of the body>`, the delivery's id in `X-GitHub-Delivery`."""
    return SignatureScheme(
        name="github",
        secrets=_names(secret),
        header=("X-Hub-Signature-256",),
        prefix="sha256=",
        id_header=("X-GitHub-Delivery",),
    )


def stripe(*, secret: Secret, tolerance: timedelta = _FIVE_MINUTES) -> SignatureScheme:
    """Stripe: `Stripe-Signature: t=<seconds>,v1=<hex of t.body>`, several `v1` while a secret is rotated."""
    return SignatureScheme(
        name="stripe",
        secrets=_names(secret),
        header=("Stripe-Signature",),
        prefix="v1=",
        content="{timestamp}.{body}",
        separator=",",
        timestamp_field="t",
        tolerance_s=int(tolerance.total_seconds()),
    )


def shopify(*, secret: Secret) -> SignatureScheme:
    """Shopify: `X-Shopify-Hmac-Sha256: <base64 of the body>`, newer events without the `X-`."""
    return SignatureScheme(
        name="shopify",
        secrets=_names(secret),
        header=("X-Shopify-Hmac-Sha256", "Shopify-Hmac-Sha256"),
        encoding="base64",
        id_header=("X-Shopify-Webhook-Id", "Shopify-Webhook-Id"),
    )


def slack(*, secret: Secret, tolerance: timedelta = _FIVE_MINUTES) -> SignatureScheme:
    """Slack: `X-Slack-Signature: v0=<hex of v0:timestamp:body>`. Its `url_verification` is answered."""
    return SignatureScheme(
        name="slack",
        secrets=_names(secret),
        header=("X-Slack-Signature",),
        prefix="v0=",
        content="v0:{timestamp}:{body}",
        timestamp_header=("X-Slack-Request-Timestamp",),
        tolerance_s=int(tolerance.total_seconds()),
    )


def standard_webhooks(*, secret: Secret, tolerance: timedelta = _FIVE_MINUTES) -> SignatureScheme:
    """Standard Webhooks 1.0.0, symmetric: `webhook-*` headers, or `svix-*`. The secret is `whsec_` and base64."""
    return SignatureScheme(
        name="standard_webhooks",
        secrets=_names(secret),
        header=("webhook-signature", "svix-signature"),
        prefix="v1,",
        content="{id}.{timestamp}.{body}",
        encoding="base64",
        separator=" ",
        timestamp_header=("webhook-timestamp", "svix-timestamp"),
        tolerance_s=int(tolerance.total_seconds()),
        id_header=("webhook-id", "svix-id"),
        key_encoding="base64",
        key_prefix="whsec_",
    )


def place_of_declaration() -> str:
    """`file:line` of the code that declares: the nearest caller outside this folder."""
    frame: FrameType | None = sys._getframe(1)
    while frame and str(frame.f_globals.get("__name__", "")).startswith("clew.registry."):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "?"


def wrong(detail: str, hint: str) -> SettingsError:
    """What is wrong with a declaration, with the place to put it right."""
    return SettingsError(f"{place_of_declaration()}: {detail}", hint=hint)


def check_secret_name(name: object) -> None:
    """Refuse what is no name of a secret, above all the secret itself, and never repeat it."""
    if not isinstance(name, str) or not _SECRET_NAME.match(name) or _LOOKS_SECRET.match(name):
        raise wrong(
            "A secret is given that is no name. It is not repeated here, in case it is the secret itself.",
            'Put the secret into an environment variable and write the variable\'s name: secret="ERP_SECRET".',
        )


def one_of(argument: str, value: str, allowed: Iterable[str]) -> None:
    """Refuse a value that is none of the allowed ones."""
    if value not in allowed:
        raise wrong(f"{argument}={value!r} is not known.", f"It may be {', '.join(map(repr, allowed))}.")


def _names(secret: Secret) -> tuple[str, ...]:
    return (secret,) if isinstance(secret, str) else tuple(secret)
