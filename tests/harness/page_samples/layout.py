"""What the samples of all pages share: a text that would do harm if it were not escaped, layouts, a moment."""

from __future__ import annotations

from clew.web.failing import Failures
from clew.web.layout import build_layout
from clew.web.logs.views import Choice
from clew.web.wording import say_moment

EVIL = "</pre></script><script>alert(1)</script><b onclick=x>\"'&"
FAILED = Failures(frozenset({"api_request"}), has_flow=True)
MEMBER = build_layout(EVIL, member=EVIL, form_token=EVIL, failures=FAILED, path="/logs", search=EVIL)
STRANGER = build_layout(EVIL, member="", form_token=EVIL)
MOMENT = say_moment(1_780_000_000_000)
CHOICE = Choice(EVIL, "/logs", is_current=True)
