"""The secrets of the two sample products, and how they sign the webhooks they send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import MutableMapping

ERP_SECRET = "ERP_SECRET"  # noqa: S105 - the name of an environment variable
SHIP_SECRET = "SHIP_SECRET"  # noqa: S105 - the name of an environment variable
ERP_TOKEN = "ERP_TOKEN"  # noqa: S105 - the name of an environment variable
SHIP_TOKEN = "SHIP_TOKEN"  # noqa: S105 - the name of an environment variable
_STANDARD_PREFIX = "whsec_"


def set_secrets(environ: MutableMapping[str, str]) -> None:
    """Give the products new random webhook secrets and access tokens, in the variables that their integrations name."""
    environ[ERP_SECRET] = secrets.token_hex(32)
    environ[SHIP_SECRET] = _STANDARD_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    environ[ERP_TOKEN] = secrets.token_hex(32)
    environ[SHIP_TOKEN] = secrets.token_hex(32)


def sign_body(secret: str, body: bytes) -> str:
    """The hex HMAC-SHA256 of a body, as the ERP sends it in `X-ERP-Signature`."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def sign_standard(secret: str, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks 1.0.0 for a body. The secret is `whsec_` and base64."""
    key = base64.b64decode(secret.removeprefix(_STANDARD_PREFIX))
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{signature}",
    }
