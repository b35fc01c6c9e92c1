"""What only who administers may see and do."""

from __future__ import annotations

from clew.core.errors import NotAllowed
from clew.registry.sessions import Session


def is_admin(session: Session) -> bool:
    """Whether who is signed in may change settings, and see who changed them."""
    return session.member.role == "admin"


def check_admin(session: Session, what: str) -> None:
    """Raise `NotAllowed` for anyone else. `what` ends the sentence: `see who changed what`."""
    if not is_admin(session):
        raise NotAllowed(f"{session.member.email} may not {what}.", hint="Ask an administrator for the role admin.")
