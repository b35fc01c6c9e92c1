"""The shop's pages, with everything behind them running: orders come in, and people look at what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher

from clew.core.clock import SystemClock
from clew.core.record import Record
from clew.core.settings import Settings
from clew.registry.members import Member, Role
from clew.registry.products import Product
from clew.registry.registry import Registry
from harness.running_pages import RunningPages, running_pages
from harness.server import eventually
from harness.shop import Ship, declare_flows, running_ship
from harness.state import open_state


@dataclass
class Shop:
    """The pages over flows that run, with Ship behind them."""

    pages: RunningPages
    ship: Ship
    registry: Registry

    members: dict[Role, Member] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)

    def sign_in(self, role: Role = "admin") -> None:
        """Sign in as the member of this role. `form` is what its forms carry."""
        if role not in self.members:
            email = f"{role}@acme.example"
            self.members[role] = self.registry.members.create("default", email, "correct horse battery", role)
        token, session = self.registry.sessions.start(self.members[role])
        self.pages.client.cookies.set("clew_session", token)
        self.form = {"form_token": session.csrf_token}

    def order(self, number: str, **payload: object) -> Record:
        """An order comes in; its decisions are there when this returns."""
        body = {"number": number, "lines": 2, "country": "US", "total": 420, **payload}
        event = self.pages.report(payload=json.dumps(body), keys={"order": number}, source_product="erp")
        eventually(lambda: len(self.records("decision", event)) == 2, what="decisions")
        return event

    def records(self, kind: str, event: Record) -> list[Record]:
        chain = self.pages.store.trace("default", event.trace_id)
        return [record for record in chain if record.kind == kind]

    def run_of(self, event: Record) -> str:
        """The id of the run that an event launched, when it has ended and can be found."""
        return eventually(lambda: self.records("flow_run", event), what="its run")[0].id

    def get(self, path: str, status: int = 200) -> str:
        answer = self.pages.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def press(self, path: str) -> str:
        """Press a button and go where it leads."""
        answer = self.pages.client.post(path, data=self.form)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


@contextmanager
def running_shop(directory: Path) -> Iterator[Shop]:
    """The shop, while the block runs."""
    settings, clock = Settings(data_dir=str(directory)), SystemClock()
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # what is tested is no password
    registry = Registry(open_state(settings), clock, hasher=hasher)
    registry.products.save(Product(workspace="default", key="erp", title="ERP"))
    registry.products.save(Product(workspace="default", key="ship", title="Aptean Ship"))
    with running_ship() as ship, running_pages(declare_flows(ship.url), registry, settings, clock) as pages:
        yield Shop(pages, ship, registry)
    registry.close()
