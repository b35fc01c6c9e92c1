"""What a status means: in the words of the event's type, or in general ones."""

from __future__ import annotations

import msgspec

from clew.core.record import Status

STATUS_WORDS: dict[Status, str] = {"info": "Info", "success": "Success", "failure": "Failure"}

REFERRAL_TYPES = ("One Click Access", "API Call", "Integration Script", "Conversion")
"""Types of integration event that create referrals."""

_REFERRALS: dict[Status, str] = {
    "info": "Information was captured but a Referral was not created.",
    "success": "The conversion was successful.",
    "failure": "The conversion failed, use the details column to see why.",
}
_GENERAL: dict[Status, str] = {
    "info": "Information was captured but nothing was created.",
    "success": "The event was successful.",
    "failure": "The event failed, use the details column to see why.",
}
_REFERRAL_NAMES = frozenset(word for name in REFERRAL_TYPES for word in (name.lower(), f"{name.lower()}s"))


class Meaning(msgspec.Struct, frozen=True):
    """A status, what it is called, and what it means."""

    status: Status
    word: str
    text: str


class Legend(msgspec.Struct, frozen=True):
    """What each status means for some types of event. `types` says for which."""

    types: str
    meanings: tuple[Meaning, ...]


def meaning_of(type_: str, status: Status) -> str:
    """What the status of an event of this type means."""
    return _texts_of(type_)[status]


def build_legends(types: tuple[str, ...]) -> tuple[Legend, ...]:
    """The legends of a list of these types; of a list of all types, every one there is."""
    wanted = [_texts_of(type_) for type_ in types] or [_REFERRALS, _GENERAL]
    named = ((", ".join(REFERRAL_TYPES), _REFERRALS), ("All other events", _GENERAL))
    return tuple(_legend(names, texts) for names, texts in named if texts in wanted)


def _texts_of(type_: str) -> dict[Status, str]:
    return _REFERRALS if type_.strip().lower() in _REFERRAL_NAMES else _GENERAL


def _legend(types: str, texts: dict[Status, str]) -> Legend:
    return Legend(types, tuple(Meaning(status, word, texts[status]) for status, word in STATUS_WORDS.items()))
