"""docs/settings.md says what the settings are."""

from __future__ import annotations

import settings_page


def test_the_page_is_what_the_settings_are():
    assert settings_page.PAGE.read_text() == settings_page.settings_page(), "run `make docs`"
