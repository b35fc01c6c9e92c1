"""The clients that nodes get for products: httpx, signed in, guarded, and every exchange on record.

Each attempt of a node has clients of its own (60 us each), so that cookies, headers and the record's parent are its
own; their connections come from one pool a product, shared by all runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager

import httpcore
import httpx

from clew.core.clock import Clock
from clew.flows.address_guard import AddressGuard, GuardedBackend, GuardedSyncBackend, ssl_context
from clew.flows.cleaning import Cleaner
from clew.flows.exchanges import Exchange, ReceivedBody, SentBody, finish_all, inner_stream
from clew.registry.declare import Product

TIMEOUT_S = 30.0
"""How long a client waits for a connection, and for each part of an answer. A node's own timeout bounds the whole."""
MOST_CONNECTIONS = 100
"""Of one product, at once."""
IDLE_S = 30.0
"""How long an idle connection is kept."""


_TRACEPARENT = "clew.traceparent"
"""The name under which a request keeps the header that we gave it."""


class RequestScope:
    """The requests of one attempt of a node. `on_end` gets each exchange with its product's key when it is over.

    Any thread may use it.
    """

    def __init__(self, trace_id: str, cleaner: Cleaner, clock: Clock, on_end: Callable[[str, Exchange], None]) -> None:
        self._trace_id = trace_id
        self._cleaner = cleaner
        self._clock = clock
        self._on_end = on_end
        self._lock = threading.Lock()
        self._open: set[Exchange] = set()

    def begin(self, product: str, request: httpx.Request) -> Exchange:
        """Note that a request goes out. It bears the trace, and the record's id as its parent (W3C Trace Context)."""

        def end(exchange: Exchange) -> None:
            with self._lock:
                self._open.discard(exchange)
            self._on_end(product, exchange)

        exchange = Exchange(request, self._cleaner, self._clock, end)
        with self._lock:
            self._open.add(exchange)
        # A redirect's request is made from the one before it, with its headers, body and extensions.
        sent = request.headers.get("traceparent")
        if sent is None or sent == request.extensions.get(_TRACEPARENT):
            parent = f"00-{self._trace_id}-{exchange.id.replace('-', '')[-16:]}-01"
            request.headers["traceparent"] = parent
            request.extensions = {**request.extensions, _TRACEPARENT: parent}
        request.stream = SentBody(inner_stream(request.stream), exchange)
        return exchange

    def finish(self) -> None:
        """End the exchanges whose answers nobody read to the end."""
        with self._lock:
            unread = tuple(self._open)
        finish_all(unread)


class Clients:
    """Makes the clients of a server's products.

    `secrets` has the values of the secrets that products sign in with. The async clients belong to one event loop.
    """

    def __init__(self, products: Mapping[str, Product], secrets: Mapping[str, str]) -> None:
        self._products = products
        self._secrets = secrets
        self._lock = threading.Lock()
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}
        self._sync_pools: dict[str, httpcore.ConnectionPool] = {}

    def new_async(self, product: str, scope: RequestScope) -> httpx.AsyncClient:
        """A client for an async node."""
        declared = self._products[product]
        return httpx.AsyncClient(
            transport=_AsyncTransport(self._pool(declared), product, scope),
            base_url=declared.base_url,
            auth=self._auth(declared),
            headers=_HEADERS,
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    def new_sync(self, product: str, scope: RequestScope) -> httpx.Client:
        """A client for a plain node."""
        declared = self._products[product]
        return httpx.Client(
            transport=_SyncTransport(self._sync_pool(declared), product, scope),
            base_url=declared.base_url,
            auth=self._auth(declared),
            headers=_HEADERS,
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections, also those that threads left behind still wait on."""
        for pool in self._pools.values():
            await pool.aclose()
        with self._lock:
            for sync_pool in self._sync_pools.values():
                sync_pool.close()
        self._pools.clear()
        self._sync_pools.clear()

    def _auth(self, product: Product) -> httpx.Auth | None:
        return _Bearer(self._secrets[product.auth.token], httpx.URL(product.base_url)) if product.auth else None

    def _pool(self, product: Product) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get(product.key)
        if pool is None:
            pool = self._pools[product.key] = httpcore.AsyncConnectionPool(
                ssl_context=ssl_context(),
                max_connections=MOST_CONNECTIONS,
                max_keepalive_connections=MOST_CONNECTIONS,
                keepalive_expiry=IDLE_S,
                network_backend=GuardedBackend(_guard_of(product)),
            )
        return pool

    def _sync_pool(self, product: Product) -> httpcore.ConnectionPool:
        with self._lock:
            pool = self._sync_pools.get(product.key)
            if pool is None:
                pool = self._sync_pools[product.key] = httpcore.ConnectionPool(
                    ssl_context=ssl_context(),
                    max_connections=MOST_CONNECTIONS,
                    max_keepalive_connections=MOST_CONNECTIONS,
                    keepalive_expiry=IDLE_S,
                    network_backend=GuardedSyncBackend(_guard_of(product)),
                )
        return pool


# What we can unpack for the record too.
_HEADERS = {"accept-encoding": "gzip, deflate", "user-agent": "clew"}


def _guard_of(product: Product) -> AddressGuard:
    return AddressGuard(httpx.URL(product.base_url).host if product.base_url else "")


class _Bearer(httpx.Auth):
    """Signs in at a product's own origin and nowhere else: a node may be told to ask another host."""

    def __init__(self, token: str, home: httpx.URL) -> None:
        self._token = token
        self._home = home

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if _origin(request.url) == _origin(self._home) and "authorization" not in request.headers:
            request.headers["authorization"] = f"Bearer {self._token}"
        yield request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


class _AsyncTransport(httpx.AsyncBaseTransport):
    """Sends a request over a shared pool, and has it noted. Closing it leaves the pool open."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, product: str, scope: RequestScope) -> None:
        self._pool = pool
        self._product = product
        self._scope = scope

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = self._scope.begin(self._product, request)
        try:
            with _errors_of_httpx(request):
                answer = await self._pool.handle_async_request(_to_core(request))
        except BaseException as error:
            exchange.fail(error)
            raise
        return _to_httpx(request, answer, exchange)


class _SyncTransport(httpx.BaseTransport):
    """As `_AsyncTransport`, in a thread."""

    def __init__(self, pool: httpcore.ConnectionPool, product: str, scope: RequestScope) -> None:
        self._pool = pool
        self._product = product
        self._scope = scope

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = self._scope.begin(self._product, request)
        try:
            with _errors_of_httpx(request):
                answer = self._pool.handle_request(_to_core(request))
        except BaseException as error:
            exchange.fail(error)
            raise
        return _to_httpx(request, answer, exchange)


def _to_core(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _to_httpx(request: httpx.Request, answer: httpcore.Response, exchange: Exchange) -> httpx.Response:
    stream = ReceivedBody(answer.stream, exchange, lambda: _errors_of_httpx(request))
    response = httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)
    exchange.note_answer(response.status_code, response.headers, response.reason_phrase)
    return response


@contextmanager
def _errors_of_httpx(request: httpx.Request) -> Iterator[None]:
    """httpcore's errors as those of httpx, which have the same names."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        known: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
        raise known(str(error), request=request) from error
