"""Which addresses the nodes' clients may connect to: public ones, and the private ones of a product that lives there.

What a node asks for may come from an event, so from anyone; a redirect from whoever answers. So the address is looked
at where the connection is made, each time: the name is resolved, every address it has is checked, and one of those
checked is connected to. A name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
import typing
from collections.abc import Iterable, Sequence
from functools import cache

import httpcore
import msgspec

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """A host whose address a node may not connect to."""


class HostNotFound(Exception):
    """A name that has no address."""


class AddressGuard(msgspec.Struct, frozen=True):
    """`home` is the host of a product's `base_url`.

    Under the name of its home, and no other, private and loopback addresses may be connected to: whoever declared the
    product said that it lives there. Link-local addresses, where clouds keep their credentials, only where `home` is
    such an address itself.
    """

    home: str = ""

    def check(self, host: str, found: Sequence[str]) -> list[str]:
        """The addresses that were found for a host. Raises `AddressRefused` where one of them is not allowed."""
        for text in found:
            if not self._is_allowed(host, ipaddress.ip_address(text.partition("%")[0])):
                raise AddressRefused(
                    f"{host} is at {text}, which is no public address, and no product is declared to be there; "
                    "the request was not sent"
                )
        return list(found)

    def _is_allowed(self, host: str, address: Address) -> bool:
        if is_public(address):
            return True
        if host.strip("[]").lower() != self.home.strip("[]").lower():
            return False
        if _as_address(self.home) == address:
            return not (address.is_multicast or address.is_unspecified)
        inner = inner_address(address)
        is_nowhere = inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner.is_reserved
        return inner.is_loopback or not is_nowhere  # ::1 counts as reserved


def is_public(address: Address) -> bool:
    """Whether an address is one of the Internet's, also when it is written inside another one."""
    inner = inner_address(address)
    return inner.is_global and not inner.is_multicast


def inner_address(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to (mapped, 6to4, Teredo, NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _as_address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Makes connections for async nodes, to checked addresses alone."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[typing.Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, connect: to the first address that answers within `timeout` seconds."""
        deadline = _Deadline(timeout)
        try:
            async with asyncio.timeout(timeout):
                found = await _resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved within {timeout:g} s") from error
        addresses = _checked(self._guard, host, found)
        for place, address in enumerate(addresses):
            try:
                return await self._inner.connect_tcp(address, port, deadline.left_s(), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(addresses) - 1:
                    raise
        raise AssertionError("a name that was resolved has an address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class GuardedSyncBackend(httpcore.NetworkBackend):
    """Makes connections for plain nodes, to checked addresses alone."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[typing.Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check, connect. Resolving takes as long as the system lets it; the node's timeout ends the wait."""
        deadline = _Deadline(timeout)
        try:
            found = _texts(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            raise _not_found(host, error) from HostNotFound(host)
        addresses = _checked(self._guard, host, found)
        for place, address in enumerate(addresses):
            try:
                return self._inner.connect_tcp(address, port, deadline.left_s(), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(addresses) - 1:
                    raise
        raise AssertionError("a name that was resolved has an address")


class _Deadline:
    """What is left of a connection's time, shared by its attempts."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def left_s(self) -> float | None:
        return None if self._end is None else max(0.001, self._end - time.monotonic())


async def _resolve(host: str, port: int) -> list[str]:
    if (literal := _as_address(host)) is not None:
        return [str(literal)]
    try:
        return _texts(await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise _not_found(host, error) from HostNotFound(host)


def _texts(found: Sequence[tuple[typing.Any, ...]]) -> list[str]:
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _not_found(host: str, error: Exception) -> httpcore.ConnectError:
    return httpcore.ConnectError(f"the host {host} was not found ({getattr(error, 'strerror', '') or error})")


def _checked(guard: AddressGuard, host: str, found: Sequence[str]) -> list[str]:
    try:
        return guard.check(host, found)
    except AddressRefused as error:
        raise httpcore.ConnectError(str(error)) from error


@cache
def ssl_context() -> ssl.SSLContext:
    """What HTTPS is checked with. Made once: it takes 20 ms and more."""
    return httpcore.default_ssl_context()
