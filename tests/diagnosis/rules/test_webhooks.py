"""What was refused on the way in."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from clew.core.record import ErrorInfo, HttpExchange, Record
from clew.diagnosis.rule import Explanation

Make = Callable[..., Record]
Explain = Callable[[Record], Explanation]


def refused(make: Make, error: ErrorInfo, status_code: int, **fields: object) -> Record:
    http = HttpExchange(
        direction="incoming", method="POST", url="http://clew/webhooks/in/orders", status_code=status_code
    )
    return make("external_webhook", status="failure", state="error", error=error, http=http, **fields)


@pytest.mark.parametrize("kind", ["external_webhook", "api_request"])
def test_a_signature_that_does_not_hold_says_whose_and_why(make: Make, explained: Explain, kind: str) -> None:
    error = ErrorInfo(
        type="signature", key="missing", message="The header x-sig is missing.", data={"hint": "Send it."}
    )
    told = explained(msgspec.structs.replace(refused(make, error, 401, source_product="erp"), kind=kind))
    assert told.code == "signature_refused"
    assert told.summary == "The webhook from ERP was refused for its signature: The header x-sig is missing."
    assert told.advice == "Send it."
    assert explained(refused(make, error, 401)).summary.startswith("The webhook was refused for its signature")


@pytest.mark.parametrize(("kind", "status_code"), [("parse", 400), ("parse", 422), ("body", 413)])
def test_a_webhook_that_could_not_be_read_says_so_in_its_own_words(
    make: Make, explained: Explain, kind: str, status_code: int
) -> None:
    error = ErrorInfo(type=kind, key="x", message="The webhook could not be parsed: it ends too early.")
    told = explained(refused(make, error, status_code))
    assert (told.code, told.summary) == ("not_readable", "The webhook could not be parsed: it ends too early.")
