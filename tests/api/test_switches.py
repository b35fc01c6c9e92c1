"""Switches over HTTP: what of the log is written at all."""

from __future__ import annotations

import pytest

from clew.core.clock import FakeClock, to_rfc3339
from harness.registry_api import ADMIN, Client, KeyWith, check_problem


@pytest.mark.feature("C14", "C24")
class TestSwitches:
    def test_all_is_logged_until_somebody_turns_it_off(self, client: Client, clock: FakeClock) -> None:
        on = {"enable_api_logs": True, "enable_webhook_logs": True, "changes": {}}
        assert client.get("/v1/switches").json() == on
        turned = client.patch("/v1/switches", json={"enable_webhook_logs": False}).json()
        by = {"changed_by": ADMIN, "changed_at": to_rfc3339(clock.now_ms())}
        assert turned == {**on, "enable_webhook_logs": False, "changes": {"enable_webhook_logs": by}}
        assert client.get("/v1/switches").json() == turned
        assert client.patch("/v1/switches", json={}).json() == turned

    def test_turning_needs_admin(self, client: Client, key_with: KeyWith) -> None:
        reader = key_with("read", "operate")
        assert client.get("/v1/switches", headers=reader).status_code == 200
        check_problem(client.patch("/v1/switches", json={"enable_api_logs": False}, headers=reader), 403, "admin")

    def test_what_is_no_switch_is_refused(self, client: Client) -> None:
        check_problem(client.patch("/v1/switches", json={"api_logs": False}), 400, "api_logs")
        check_problem(client.patch("/v1/switches", json={"enable_api_logs": "no"}), 400, pointer="/enable_api_logs")
