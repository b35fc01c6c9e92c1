"""Where the sample products will answer: ports that are taken before anything is declared."""

from __future__ import annotations

import socket
from collections.abc import MutableMapping

import msgspec

from clew.demo.local_server import listen_locally, url_of

ERP_URL = "ERP_URL"
SHIP_URL = "SHIP_URL"


class Places(msgspec.Struct, frozen=True):
    """The listening sockets of the two products. What is sent to them waits until they are served."""

    erp: socket.socket
    ship: socket.socket

    def close(self) -> None:
        """Give the ports back."""
        self.erp.close()
        self.ship.close()


def take_places(environ: MutableMapping[str, str]) -> Places:
    """Take a free port of loopback for each product, and name its URL as `clew.demo.integrations` asks for it."""
    places = Places(listen_locally(), listen_locally())
    environ[ERP_URL] = url_of(places.erp)
    environ[SHIP_URL] = url_of(places.ship)
    return places
