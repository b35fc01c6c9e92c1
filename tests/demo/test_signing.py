import base64
import hashlib
import hmac
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from clew.core.clock import SystemClock
from clew.demo.integrations import order_hooks, shipment_hooks
from clew.demo.signing import set_secrets, sign_body, sign_standard
from clew.doors.signatures import SignedRequest, verify

BODY = b'{"type": "order.released", "account": "Holm & Lund"}'


def test_the_erp_signs_the_body_with_hex_hmac_sha256():
    assert sign_body("s3cret", BODY) == hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()


def test_what_ship_signs_holds_for_the_reference_library():
    secrets: dict[str, str] = {}
    set_secrets(secrets)
    headers = sign_standard(secrets["SHIP_SECRET"], "msg_1", int(time.time()), BODY)
    assert Webhook(secrets["SHIP_SECRET"]).verify(BODY, headers) == {
        "type": "order.released",
        "account": "Holm & Lund",
    }


def test_what_both_products_sign_holds_for_the_schemes_that_are_declared():
    secrets: dict[str, str] = {}
    set_secrets(secrets)
    now_ms = SystemClock().now_ms()
    signed = (
        (order_hooks, {"x-erp-signature": sign_body(secrets["ERP_SECRET"], BODY)}),
        (shipment_hooks, sign_standard(secrets["SHIP_SECRET"], "msg_1", now_ms // 1000, BODY)),
    )
    for source, headers in signed:
        secret = secrets[source.verify.secrets[0]]
        assert verify(source.verify, [secret], SignedRequest(headers=headers, body=BODY), now_ms).ok


def test_a_changed_body_does_not_hold():
    secrets: dict[str, str] = {}
    set_secrets(secrets)
    headers = sign_standard(secrets["SHIP_SECRET"], "msg_1", int(time.time()), BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets["SHIP_SECRET"]).verify(BODY + b" ", headers)


def test_the_secrets_are_new_each_time_and_ships_has_the_standards_form():
    first: dict[str, str] = {}
    second: dict[str, str] = {}
    set_secrets(first)
    set_secrets(second)
    assert first.keys() == second.keys() == {"ERP_SECRET", "SHIP_SECRET", "ERP_TOKEN", "SHIP_TOKEN"}
    assert not set(first.values()) & set(second.values())
    assert first["SHIP_SECRET"].startswith("whsec_")
    assert 24 <= len(base64.b64decode(first["SHIP_SECRET"].removeprefix("whsec_"))) <= 64
