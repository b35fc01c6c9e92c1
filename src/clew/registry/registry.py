"""The registry as a whole: all that is connected and all who may look, on one database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from argon2 import PasswordHasher

from clew.core.clock import Clock, SystemClock
from clew.core.settings import Settings
from clew.registry.activity import Activity
from clew.registry.audit import Audit
from clew.registry.connections import Connections
from clew.registry.customers import Customers
from clew.registry.integrations import DeclaredIntegration, Integrations
from clew.registry.keys import Keys
from clew.registry.members import Members
from clew.registry.pins import Pins
from clew.registry.products import DeclaredProduct, Products
from clew.registry.sessions import Sessions, SignInLinks
from clew.registry.sources import DeclaredSource, Sources
from clew.registry.switches import LogSwitches
from clew.registry.views import Views
from clew.state.database import Database, open_database


class Declared(Protocol):
    """What code declares, as far as the registry keeps it."""

    @property
    def products(self) -> Sequence[DeclaredProduct]:
        """The products."""

    @property
    def integrations(self) -> Sequence[DeclaredIntegration]:
        """The integrations, between these products."""

    @property
    def sources(self) -> Sequence[DeclaredSource]:
        """The sources, of these products."""


class Registry:
    """Every part of the registry. Any thread may use any of them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        admin_key: str = "",
        workspace: str = "default",
        hasher: PasswordHasher | None = None,
    ) -> None:
        self.database = database
        self.workspace = workspace
        self.products = Products(database, clock)
        self.integrations = Integrations(database, clock, self.products)
        self.customers = Customers(database, clock)
        self.connections = Connections(database, clock, self.customers, self.integrations)
        self.sources = Sources(database, clock)
        self.keys = Keys(database, clock, admin_key, workspace)
        self.members = Members(database, clock, hasher)
        self.links = SignInLinks(database, clock, self.members)
        self.sessions = Sessions(database, clock)
        self.activity = Activity(database, clock)
        self.audit = Audit(database, clock)
        self.switches = LogSwitches(database, clock)
        self.views = Views(database, clock)
        self.pins = Pins(database, clock)

    def apply(self, declared: Declared, workspace: str = "") -> None:
        """Make this what code declares in the workspace (empty: that of the settings): all of it or nothing.

        What is declared is added, changed or brought back; what no longer is stays, as something that may be changed
        or archived. Raises `Invalid` for a wrong key, title, URL, direction or kind.
        """
        workspace = workspace or self.workspace
        with self.database.write("products", "integrations", "sources") as connection:
            self.products.declare(connection, workspace, declared.products)
            self.integrations.declare(connection, workspace, declared.integrations)
            self.sources.declare(connection, workspace, declared.sources)
        self.products.refresh()
        self.integrations.refresh()
        self.sources.refresh()

    def close(self) -> None:
        """Write what waits and close the database. Closing twice changes nothing."""
        self.keys.close()
        self.activity.close()
        self.database.close()


def open_registry(settings: Settings, clock: Clock | None = None) -> Registry:
    """The registry of these settings, on its database, which is made or upgraded where needed.

    Raises `SettingsError` where the database cannot be used.
    """
    database = open_database(settings)
    return Registry(database, clock or SystemClock(), admin_key=settings.admin_key, workspace=settings.workspace)
