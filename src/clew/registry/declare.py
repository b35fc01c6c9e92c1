"""How an integration is written: products, the webhooks they send, how they are connected. Pure data.

    erp = Product("erp", title="ERP", base_url="https://erp.example/api", auth=bearer("ERP_TOKEN"))
    ship = Product("ship", title="Ship")
    orders = Integration("orders", source=erp, target=ship, direction="two-way")
    order_hooks = erp.webhook("orders", verify=hmac_sha256("X-ERP-Signature", secret="ERP_SECRET"),
                              event="$.type", customer="$.account", keys={"order": "$.data.number"})

Nothing happens on declaring: no I/O, no server. Each object remembers the file and line it was written on, so that
what is wrong with it can be said where it can be put right.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from clew.core.errors import SettingsError
from clew.core.record import DIRECTIONS
from clew.registry.schemes import SignatureScheme, check_secret_name, one_of, place_of_declaration, wrong

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_KEY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_HEADER_EXPRESSION = re.compile(r"header:[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def minutes(count: float) -> timedelta:
    """A duration of so many minutes."""
    return timedelta(minutes=count)


class Bearer(msgspec.Struct, frozen=True):
    """`Authorization: Bearer ...` with the token that stands in the environment variable `token`."""

    token: str


def bearer(token: str) -> Bearer:
    """Sign in with a bearer token. `token` is the name of an environment variable or of a secret in the registry."""
    check_secret_name(token)
    return Bearer(token)


class EventRef(msgspec.Struct, frozen=True):
    """The events of one name that come from one source: `order_hooks["order.released"]`."""

    source: str
    event: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where events of a product come from. A webhook's door is `POST /webhooks/in/{key}`.

    `event`, `customer`, `connection`, `delivery_id` and each of `keys` say where a value is found: a JSONPath into the
    body (`$.type`), a header (`header:X-GitHub-Event`), or the value itself where it is always the same. `each` is a
    JSONPath to the events where one body carries several; the other paths are then tried in the event first and in
    the whole body after. `delivery_id` is by default what `verify` signs as the id.
    """

    key: str
    product: str
    kind: Literal["webhook"] = "webhook"
    verify: SignatureScheme | None = None
    event: str
    customer: str = ""
    connection: str = ""
    keys: dict[str, str] = {}
    each: str = ""
    delivery_id: str = ""
    declared_at: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "declared_at", self.declared_at or place_of_declaration())
        _check_key("source", self.key)
        if self.verify is not None and not isinstance(self.verify, SignatureScheme):
            raise wrong(
                f"verify= of the source {self.key!r} is no signature scheme.",
                'Call it with the name of its secret: verify=github(secret="GITHUB_SECRET").',
            )
        if not self.event:
            raise wrong(f"The source {self.key!r} does not say what its events are called.", 'Add event="$.type".')
        for name in ("event", "customer", "connection", "delivery_id"):
            self._check_expression(name, getattr(self, name))
        if self.each and not self.each.startswith("$"):
            raise wrong(f"each={self.each!r} of the source {self.key!r} is no JSONPath.", 'Write it as "$.events[*]".')
        for name, expression in self.keys.items():
            if not _KEY_NAME.match(name):
                raise wrong(f"{name!r} is no name of a key.", "It is 1 to 64 letters, digits, '_', '.' and '-'.")
            self._check_expression(f"keys[{name!r}]", expression)

    def _check_expression(self, name: str, expression: object) -> None:
        place = f"{name}={expression!r} of the source {self.key!r}"
        if not isinstance(expression, str) or not expression.isprintable():
            raise wrong(f"{place} is no text.", 'Write a JSONPath, "$.type", or a header, "header:X-Event".')
        if expression.startswith("header:") and not _HEADER_EXPRESSION.match(expression):
            raise wrong(f"{place} names no header.", 'Write it as "header:X-GitHub-Event".')

    def __getitem__(self, event: str) -> EventRef:
        """The events of this name from this source."""
        return EventRef(self.key, event)


class Product(msgspec.Struct, frozen=True, eq=False):
    """A system that is connected. `sources` are its own, in the order they were declared."""

    key: str
    title: str = ""
    base_url: str = ""
    auth: Bearer | None = None
    declared_at: str = ""
    sources: list[Source] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "declared_at", self.declared_at or place_of_declaration())
        _check_key("product", self.key)
        if self.base_url:
            parts = urlsplit(self.base_url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
                raise wrong(
                    f"base_url of the product {self.key!r} is no http or https URL, or has a user in it.",
                    'Write it as "https://erp.example/api".',
                )
        if self.auth is not None and not isinstance(self.auth, Bearer):
            raise wrong(f"auth= of the product {self.key!r} is not known.", 'Write auth=bearer("ERP_TOKEN").')

    def webhook(
        self,
        key: str,
        *,
        event: str,
        verify: SignatureScheme | None = None,
        customer: str = "",
        connection: str = "",
        keys: Mapping[str, str] | None = None,
        each: str = "",
        delivery_id: str = "",
    ) -> Source:
        """Declare a webhook that this product sends. See `Source` for the arguments."""
        source = Source(
            key=key,
            product=self.key,
            verify=verify,
            event=event,
            customer=customer,
            connection=connection,
            keys=dict(keys or {}),
            each=each,
            delivery_id=delivery_id,
        )
        self.sources.append(source)
        return source


class Integration(msgspec.Struct, frozen=True, eq=False):
    """What connects two products, or one with itself. `source` and `target` are products, not their keys."""

    key: str
    source: Product
    target: Product
    direction: Literal["one-way", "two-way"] = "one-way"
    title: str = ""
    declared_at: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "declared_at", self.declared_at or place_of_declaration())
        _check_key("integration", self.key)
        one_of("direction", self.direction, DIRECTIONS)
        for name, product in (("source", self.source), ("target", self.target)):
            if not isinstance(product, Product):
                raise wrong(f"{name}= of the integration {self.key!r} is no Product.", f"Write {name}=erp, the object.")

    @property
    def source_product(self) -> str:
        """The key of the product it leads from."""
        return self.source.key

    @property
    def target_product(self) -> str:
        """The key of the product it leads to."""
        return self.target.key


class Declarations(msgspec.Struct, frozen=True, kw_only=True):
    """What a module declares, each kind in the order it was met; no key twice."""

    products: tuple[Product, ...] = ()
    integrations: tuple[Integration, ...] = ()
    sources: tuple[Source, ...] = ()

    def secret_names(self) -> tuple[str, ...]:
        """Every secret that is named, once."""
        named = [name for source in self.sources if source.verify for name in source.verify.secrets]
        named += [product.auth.token for product in self.products if product.auth]
        return tuple(dict.fromkeys(named))


def load_objects(spec: str) -> tuple[object, ...]:
    """Everything at the top level of a module: a dotted name, or the path of a `.py` file or of a package.

    Raises `SettingsError` with file and line for a module that cannot be imported.
    """
    return tuple(vars(_import(spec)).values())


def collect(objects: Iterable[object]) -> Declarations:
    """The declarations among these objects: a product brings its sources along, an integration its products.

    Raises `SettingsError` for what is declared twice.
    """
    found = list(objects)
    integrations = [item for item in found if isinstance(item, Integration)]
    products = [item for item in found if isinstance(item, Product)]
    products += [product for item in integrations for product in (item.source, item.target)]
    sources = [source for product in products for source in product.sources]
    sources += [item for item in found if isinstance(item, Source)]
    return Declarations(
        products=_once_each("product", products),
        integrations=_once_each("integration", integrations),
        sources=_once_each("source", sources),
    )


_Declared = TypeVar("_Declared", Product, Integration, Source)


def _once_each(what: str, items: list[_Declared]) -> tuple[_Declared, ...]:
    """Each object once, under however many names it is known. Two objects of one key are refused."""
    by_key: dict[str, _Declared] = {}
    for item in items:
        first = by_key.setdefault(item.key, item)
        if first is not item:
            raise SettingsError(
                f"{item.declared_at}: the {what} {item.key!r} is declared twice, first at {first.declared_at}.",
                hint="Give one of them another key.",
            )
    return tuple(by_key.values())


def _check_key(what: str, key: object) -> None:
    if not isinstance(key, str) or not _KEY.match(key):
        raise wrong(
            f"{key!r} is no key of a {what}.",
            "A key is 1 to 64 small letters, digits, '_' and '-', and begins with a letter or digit.",
        )


def _import(spec: str) -> ModuleType:
    path = Path(spec)
    is_path = spec.endswith(".py") or "/" in spec or path.is_dir()
    try:
        return _import_path(path) if is_path else importlib.import_module(spec)
    except SettingsError:
        raise
    except Exception as error:  # whatever a module of the user's raises while it is imported
        raise SettingsError(f"{_place_of(error, spec)}: {_said(error)}", hint=_advice(error, spec)) from error


def _import_path(path: Path) -> ModuleType:
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        raise SettingsError(f"{file} is no file.", hint="Name a module, a .py file or a package's folder.")
    file = file.resolve()
    home = file.parent.parent if path.is_dir() else file.parent
    name = file.parent.name if path.is_dir() else file.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) != str(file):
        raise SettingsError(f"{file} has the name of another module, {name!r}.", hint="Give it another name.")
    if str(home) not in sys.path:  # so that it can import what lies beside it, as `python file.py` can
        sys.path.insert(0, str(home))
    locations = [str(file.parent)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=locations)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{file} is no Python file.", hint="Name a module, a .py file or a package's folder.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _place_of(error: BaseException, spec: str) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__ and not frame.filename.startswith("<frozen")]
    own = [frame for frame in own if not frame.filename.startswith(str(Path(importlib.__file__).parent))]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else spec


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}"


def _advice(error: BaseException, spec: str) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and spec.partition(".")[0] == error.name:
        return (
            f"There is no module {error.name!r} here. Name it by its path, for example ./{spec.replace('.', '/')}.py."
        )
    if isinstance(error, ModuleNotFoundError):
        return f"Install {error.name!r} beside Clew, or correct the import."
    return "Correct the module and start again."
