"""Signatures: what independent implementations sign holds, and what does not hold says why."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from clew.doors.signatures import SignedRequest, Verdict, verify
from clew.registry.schemes import (
    SignatureScheme,
    github,
    hmac_sha256,
    shopify,
    slack,
    standard_webhooks,
    stripe,
)

NOW = 1_780_000_000_000
SECONDS = str(NOW // 1000)
SECRET = "s3cret"
BODY = b'{"a": 1, "b": [true, null]}'
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sign(content: bytes, secret: bytes = SECRET.encode(), digest: str = "sha256") -> bytes:
    return hmac.new(secret, content, getattr(hashlib, digest)).digest()


def check(
    scheme: SignatureScheme, headers: dict[str, str], body: bytes = BODY, *secrets: str, now: int = NOW
) -> Verdict:
    return verify(scheme, secrets or (SECRET,), SignedRequest(headers=headers, body=body), now)


def stripe_header(body: bytes = BODY, at: str = SECONDS, secret: str = SECRET) -> dict[str, str]:
    return {"stripe-signature": f"t={at},v1={sign(at.encode() + b'.' + body, secret.encode()).hex()}"}


# What the senders' own documentation and clients give.


def test_githubs_documented_example_holds() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": signature, "x-github-delivery": "72d3162e"}
    verdict = check(github(secret="S"), headers, b"Hello, World!", "It's a Secret to Everybody")
    assert (verdict.ok, verdict.delivery_id) == (True, "72d3162e")


def test_slacks_documented_example_holds() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    assert check(slack(secret="S"), headers, body, "8f742231b10e8888abcd99yyyzzz85a5", now=1531420618_000).ok


def test_what_the_standard_webhooks_library_signs_holds() -> None:
    moment = datetime.fromtimestamp(NOW / 1000, UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": SECONDS,
        "webhook-signature": "v1a,AAAA " + Webhook(WHSEC).sign("msg_1", moment, BODY.decode()),
    }
    scheme = standard_webhooks(secret="S")
    assert check(scheme, headers, BODY, WHSEC) == Verdict(ok=True, code="ok", delivery_id="msg_1", skew_ms=0)
    assert check(scheme, headers, BODY, WHSEC.removeprefix("whsec_")).ok
    svix = {name.replace("webhook-", "svix-"): value for name, value in headers.items()}
    assert check(scheme, svix, BODY, WHSEC).delivery_id == "msg_1"
    assert check(scheme, headers, BODY + b" ", WHSEC).code == "mismatch"


def test_the_documented_example_of_svix_holds() -> None:
    headers = {
        "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "svix-timestamp": "1614265330",
        "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert check(standard_webhooks(secret="S"), headers, b'{"test": 2432232314}', WHSEC, now=1614265330_000).ok


def test_stripe_holds_with_any_of_its_signatures() -> None:
    good = stripe_header()["stripe-signature"]
    for header in (good, good.replace("v1=", "v1=" + "0" * 64 + ",v1="), good + ",v0=abc", good.replace(",", ", ")):
        assert check(stripe(secret="S"), {"stripe-signature": header}).ok


def test_shopify_holds_under_both_names() -> None:
    signature = base64.b64encode(sign(BODY)).decode()
    for prefix in ("x-", ""):
        headers = {f"{prefix}shopify-hmac-sha256": signature, f"{prefix}shopify-webhook-id": "w1"}
        assert check(shopify(secret="S"), headers) == Verdict(ok=True, code="ok", delivery_id="w1")


def test_a_senders_own_scheme_can_be_described() -> None:
    scheme = hmac_sha256(
        "X-Sig", secret="S", encoding="base64", content="{method}{url}{body}{timestamp}", timestamp_header="X-Time"
    )
    content = b"POSThttps://example.com/in?a=1" + BODY + str(NOW).encode()
    request = SignedRequest(
        headers={"x-sig": base64.b64encode(sign(content)).decode(), "x-time": str(NOW)},
        body=BODY,
        url="https://example.com/in?a=1",
    )
    assert verify(scheme, [SECRET], request, NOW).skew_ms == 0  # milliseconds are understood as such


def test_a_timestamp_may_be_rfc3339() -> None:
    at = "2026-05-28T20:26:40Z"
    scheme = hmac_sha256("X-Sig", secret="S", content="{timestamp}{body}", timestamp_header="X-Time")
    assert check(scheme, {"x-sig": sign(at.encode() + BODY).hex(), "x-time": at}).ok


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_of_several_secrets_will_do(place: int) -> None:
    secrets = ["old", "older", "oldest"]
    secrets[place] = SECRET
    assert check(stripe(secret=("A", "B", "C")), stripe_header(), BODY, *secrets).ok


def test_upper_case_hex_and_missing_padding_are_the_same_signature() -> None:
    assert check(hmac_sha256("X", secret="S"), {"x": sign(BODY).hex().upper()}).ok
    assert check(shopify(secret="S"), {"x-shopify-hmac-sha256": base64.b64encode(sign(BODY)).decode().rstrip("=")}).ok


@given(body=st.binary(max_size=60), change=st.integers(0, 255), place=st.integers(0, 59))
def test_a_changed_body_never_holds(body: bytes, change: int, place: int) -> None:
    changed = body[:place] + bytes([change]) + body[place + 1 :]
    verdict = check(hmac_sha256("X", secret="S"), {"x": sign(body).hex()}, changed)
    assert verdict.ok == (changed == body)


@given(signature=st.text(max_size=90))
def test_no_header_makes_it_fail_or_holds_by_chance(signature: str) -> None:
    for scheme in (github(secret="S"), stripe(secret="S"), shopify(secret="S")):
        assert not check(scheme, {scheme.header[0].lower(): signature}).ok


# Why not.


@pytest.mark.parametrize(
    ("scheme", "headers", "code", "said"),
    [
        (github(secret="S"), {}, "missing_header", "X-Hub-Signature-256"),
        (slack(secret="S"), {"x-slack-signature": "v0=00"}, "missing_header", "X-Slack-Request-Timestamp"),
        (stripe(secret="S"), {"stripe-signature": "v1=00"}, "missing_header", "t="),
        (stripe(secret="S"), {"stripe-signature": "t=soon,v1=00"}, "bad_format", "'soon'"),
        (github(secret="S"), {"x-hub-signature-256": "nonsense"}, "bad_format", "'sha256='"),
        (github(secret="S"), {"x-hub-signature-256": "sha256=xyz"}, "bad_format", "no hex"),
        (github(secret="S"), {"x-hub-signature-256": "sha256=00ff"}, "mismatch", "2 bytes"),
        (github(secret="S"), {"x-hub-signature-256": "sha256=" + "00" * 32}, "mismatch", "does not match"),
        (
            standard_webhooks(secret="S"),
            {"webhook-signature": "v1,AA", "webhook-timestamp": SECONDS},
            "missing_header",
            "webhook-id",
        ),
    ],
)
def test_what_is_missing_or_malformed_is_named(
    scheme: SignatureScheme, headers: dict[str, str], code: str, said: str
) -> None:
    verdict = check(scheme, headers, BODY, WHSEC if scheme.name == "standard_webhooks" else SECRET)
    assert (verdict.ok, verdict.code) == (False, code)
    assert said in verdict.reason
    assert verdict.hint


@pytest.mark.parametrize(("offset_s", "code"), [(301, "too_old"), (-301, "too_new"), (300, "ok"), (-300, "ok")])
def test_a_right_signature_of_another_time_says_by_how_much(offset_s: int, code: str) -> None:
    verdict = check(stripe(secret="S"), stripe_header(), now=NOW + offset_s * 1000)
    assert (verdict.code, verdict.skew_ms) == (code, offset_s * 1000)
    assert code == "ok" or f"{abs(offset_s)} s {'before' if offset_s > 0 else 'after'} ours" in verdict.reason


def test_a_wrong_signature_of_another_time_is_a_mismatch_first() -> None:
    assert check(stripe(secret="S"), stripe_header(secret="other"), now=NOW + 10**7).code == "mismatch"


@pytest.mark.feature("N09")
@pytest.mark.parametrize(
    ("headers", "body", "secret", "said"),
    [
        ({"x": sign(BODY).hex()}, BODY, SECRET, "with nothing before it instead of 'sha256='"),
        ({"x": "v1=" + sign(BODY).hex()}, BODY, SECRET, "with 'v1=' before it"),
        ({"x": "sha256=" + base64.b64encode(sign(BODY)).decode()}, BODY, SECRET, "base64 instead of hex"),
        ({"x": "sha256=" + sign(BODY, digest="sha1").hex()}, BODY, SECRET, "made with sha1"),
        ({"x": "sha256=" + sign(BODY, digest="sha512").hex()}, BODY, SECRET, "made with sha512"),
        ({"x": "sha256=" + sign(BODY).hex()}, BODY, SECRET + "\n", "The secret here has a space or line end too much"),
        ({"x": "sha256=" + sign(BODY, b"s3cret\n").hex()}, BODY, SECRET, "The secret at the sender has"),
        ({"x": "sha256=" + sign(BODY, b"key!").hex()}, BODY, "a2V5IQ==", "taken as base64"),
        ({"x": "sha256=" + sign(BODY, b"key!").hex()}, BODY, b"key!".hex(), "taken as hex"),
        ({"x": "sha256=" + sign(BODY).hex()}, BODY + b"\n", SECRET, "white space at its end"),
        ({"x": "sha256=" + sign(BODY + b"\n").hex()}, BODY, SECRET, "white space at its end"),
        ({"x": "sha256=" + sign(b'{"a":1,"b":[true,null]}').hex()}, BODY, SECRET, "re-serialised"),
        ({"x": "sha256=" + sign(BODY).hex()}, json.dumps(json.loads(BODY), indent=4).encode(), SECRET, "re-serialised"),
    ],
)
def test_the_usual_mistakes_are_recognised(headers: dict[str, str], body: bytes, secret: str, said: str) -> None:
    verdict = check(hmac_sha256("X", secret="S", prefix="sha256="), headers, body, secret)
    assert not verdict.ok
    assert said in verdict.reason
    assert verdict.hint


def test_a_signature_over_the_body_alone_is_recognised_where_the_time_should_be_in_it() -> None:
    header = {"stripe-signature": f"t={SECONDS},v1={sign(BODY).hex()}"}
    assert "right for {body} instead of {timestamp}.{body}" in check(stripe(secret="S"), header).reason


def test_a_hex_signature_where_base64_is_expected_is_recognised() -> None:
    assert "hex instead of base64" in check(shopify(secret="S"), {"x-shopify-hmac-sha256": sign(BODY).hex()}).reason


def test_without_a_secret_nothing_holds_and_it_is_named() -> None:
    verdict = verify(github(secret="HOOK_SECRET"), ["", ""], SignedRequest(headers={}, body=BODY), NOW)
    assert (verdict.ok, verdict.code) == (False, "no_secret")
    assert "HOOK_SECRET" in verdict.reason
    headers = {"webhook-signature": "v1,AA", "webhook-timestamp": SECONDS, "webhook-id": "m"}
    assert check(standard_webhooks(secret="S"), headers, BODY, "whsec_no base64!").code == "no_secret"


def test_an_empty_key_never_holds() -> None:
    headers = {"webhook-signature": "", "webhook-timestamp": SECONDS, "webhook-id": "m"}
    signature = base64.b64encode(sign(f"m.{SECONDS}.".encode() + BODY, b"")).decode()
    headers["webhook-signature"] = f"v1,{signature}"
    assert not check(standard_webhooks(secret="S"), headers, BODY, "whsec_").ok


def test_no_verdict_holds_the_secret_or_the_right_signature() -> None:
    for header in ("sha256=" + "00" * 32, sign(BODY).hex(), "sha256=zz"):
        verdict = check(github(secret="S"), {"x-hub-signature-256": header}, BODY + b" ")
        assert SECRET not in repr(verdict)
        assert sign(BODY + b" ").hex() not in repr(verdict)


def test_a_large_body_is_not_tried_again_in_every_way() -> None:
    body = b"[" + b"1," * 600_000 + b"1]\n"
    verdict = check(github(secret="S"), {"x-hub-signature-256": "sha256=" + sign(body.strip()).hex()}, body)
    assert "does not match" in verdict.reason
