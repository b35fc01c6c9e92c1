"""Declaring products and webhooks, and reading a module of declarations."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import clew
from clew import Integration, Product, bearer, github, hmac_sha256, minutes, shopify, slack, standard_webhooks, stripe
from clew.core.errors import SettingsError
from clew.registry.declare import Declarations, collect, load_objects
from clew.registry.schemes import SignatureScheme

Write = Callable[..., Path]

WHOLE = """
from clew import Integration, Product, bearer, hmac_sha256

erp = Product("erp", title="ERP", base_url="https://erp.example/api", auth=bearer("ERP_TOKEN"))
ship = Product("ship")
orders = Integration("orders", source=erp, target=ship, direction="two-way")
order_hooks = erp.webhook("orders", verify=hmac_sha256("X-ERP-Signature", secret="ERP_SECRET"),
                          event="$.type", customer="$.account", keys={"order": "$.data.number"})
ship.webhook("shipments", event="header:X-Event")
"""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Write files into a directory of their own; what was imported from it is forgotten after."""
    path, modules = list(sys.path), set(sys.modules)

    def write(text: str, name: str = "declared.py") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    yield write
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def declared_in(spec: str) -> Declarations:
    return collect(load_objects(spec))


def keys(declarations: Declarations) -> tuple[list[str], list[str], list[str]]:
    found = (declarations.products, declarations.integrations, declarations.sources)
    return tuple([item.key for item in items] for items in found)  # type: ignore[return-value,attr-defined]


def refused(action: Callable[[], object]) -> SettingsError:
    with pytest.raises(SettingsError) as error:
        action()
    assert error.value.hint
    return error.value


def test_a_file_is_read_with_all_that_stands_at_its_top_level(write: Write) -> None:
    declarations = declared_in(str(write(WHOLE)))
    assert keys(declarations) == (["erp", "ship"], ["orders"], ["orders", "shipments"])
    [integration] = declarations.integrations
    assert (integration.source_product, integration.target_product, integration.direction) == ("erp", "ship", "two-way")
    orders, shipments = declarations.sources
    assert (orders.product, orders.kind, orders.keys) == ("erp", "webhook", {"order": "$.data.number"})
    assert (shipments.product, shipments.event) == ("ship", "header:X-Event")
    assert declarations.secret_names() == ("ERP_SECRET", "ERP_TOKEN")
    assert orders.declared_at.endswith("declared.py:7")


def test_a_dotted_name_and_a_package_are_read_too(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("from clew import Product\nerp = Product('erp')\n", "shop_a/products.py")
    init = write(
        "from .products import erp\nfrom shop_a.products import erp as same\nhooks = erp.webhook('h', event='e')\n",
        "shop_a/__init__.py",
    )
    assert keys(declared_in(str(init.parent))) == (["erp"], [], ["h"])
    write(WHOLE, "shop_b/flows.py")
    write("", "shop_b/__init__.py")
    monkeypatch.syspath_prepend(str(init.parent.parent))
    assert keys(declared_in("shop_b.flows"))[1] == ["orders"]


def test_a_file_can_import_what_lies_beside_it(write: Write) -> None:
    write("from clew import Product\nship = Product('ship')\n", "beside_it.py")
    assert keys(declared_in(str(write("from beside_it import ship\n"))))[0] == ["ship"]


def test_a_source_that_is_not_assigned_is_not_lost_and_products_of_an_integration_come_along() -> None:
    erp, ship = Product("erp"), Product("ship")
    erp.webhook("orders", event="$.type")
    declarations = collect([Integration("orders", source=erp, target=ship)])
    assert keys(declarations) == (["erp", "ship"], ["orders"], ["orders"])


@pytest.mark.parametrize(
    "text",
    [
        "erp = Product('erp')\n\nagain = Product('erp')\n",
        "b = Product('b')\na.webhook('orders', event='e')\nb.webhook('orders', event='e')\n",
        "\ni = Integration('i', source=a, target=a)\nj = Integration('i', source=a, target=a)\n",
    ],
)
def test_what_is_declared_twice_names_both_places(write: Write, text: str) -> None:
    file = write("from clew import Integration, Product; a = Product('a')\n" + text)
    error = refused(lambda: declared_in(str(file)))
    assert error.detail.startswith(f"{file}:4: the ")
    assert f"declared twice, first at {file}:" in error.detail


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("import clew\nx = 1 / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("import clew\n\nimport no_such_thing\n", 3, "no_such_thing"),
        ("from clew import Nothing\n", 1, "ImportError"),
        ("x = (\n", 1, "SyntaxError"),
        ("import clew\ndef f():\n    raise ValueError('no')\nf()\n", 3, "ValueError: no"),
        ("from clew import Product\n\nerp = Product('E R P')\n", 3, "'E R P' is no key"),
    ],
)
def test_a_module_that_cannot_be_imported_names_file_line_and_reason(
    write: Write, text: str, line: int, said: str
) -> None:
    file = write(text)
    error = refused(lambda: declared_in(str(file)))
    assert error.detail.startswith(f"{file}:{line}: ")
    assert said in error.detail


@pytest.mark.parametrize("spec", ["no_such_module_here", "no/such/file.py", "./no_such_dir/"])
def test_a_module_that_is_not_there_is_named(spec: str) -> None:
    assert Path(spec).name in refused(lambda: declared_in(spec)).detail


def test_a_file_with_the_name_of_another_module_is_refused(write: Write) -> None:
    assert "json" in refused(lambda: declared_in(str(write("", "json.py")))).detail


@pytest.mark.parametrize("key", ["", "A", "a b", "-a", "a" * 65, "a/b", "ä", 5])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    product = Product("p")
    for declare in (
        lambda: Product(key),
        lambda: product.webhook(key, event="e"),
        lambda: Integration(key, source=product, target=product),
    ):
        error = refused(declare)
        assert repr(key) in error.detail
        assert "test_declare.py:" in error.detail


@pytest.mark.parametrize("key", ["a", "0", "a-b_c", "a" * 64])
def test_a_key_of_small_letters_digits_and_dashes_is_taken(key: str) -> None:
    assert Product(key).webhook(key, event="e").key == key


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"event": ""}, "what its events are called"),
        ({"event": 5}, "no text"),
        ({"event": "header:"}, "names no header"),
        ({"customer": "header:a b"}, "names no header"),
        ({"keys": {"a b": "$.x"}}, "'a b' is no name of a key"),
        ({"keys": {"a": "$.x\n"}}, "no text"),
        ({"each": "events"}, "no JSONPath"),
        ({"verify": github}, "no signature scheme"),
        ({"verify": "GITHUB_SECRET"}, "no signature scheme"),
    ],
)
def test_a_webhook_that_cannot_work_is_refused_where_it_is_declared(wrong: dict[str, object], said: str) -> None:
    error = refused(lambda: Product("erp").webhook("orders", **{"event": "$.type", **wrong}))
    assert said in error.detail
    assert "test_declare.py:" in error.detail


@pytest.mark.parametrize("url", ["erp.example", "ftp://erp.example", "https://", "https://ann:pw@erp.example"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    error = refused(lambda: Product("erp", base_url=url))
    assert "pw" not in error.detail


def test_an_integration_needs_products_and_a_direction() -> None:
    erp = Product("erp")
    assert "no Product" in refused(lambda: Integration("i", source="erp", target=erp)).detail
    assert "'both'" in refused(lambda: Integration("i", source=erp, target=erp, direction="both")).detail


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "my secret", "a+b/c=", "0" * 40, "d" * 32, ("OK", "sk_live_x"), ()],
)
def test_a_secret_that_is_written_and_not_named_is_refused_and_not_repeated(secret: str) -> None:
    error = refused(lambda: github(secret=secret))
    assert not secret or str(secret) not in error.detail + error.hint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"header": "X Sig"}, "no name of a header"),
        ({"content": "{timestamp}.{body}"}, "belong together"),
        ({"timestamp_header": "X-Time"}, "belong together"),
        ({"content": "{id}{body}"}, "id_header"),
        ({"content": "{bodies}"}, "{bodies}"),
        ({"content": "fixed"}, "leaves out {body}"),
        ({"encoding": "base32"}, "'base32'"),
        ({"key_encoding": "rot13"}, "'rot13'"),
    ],
)
def test_a_scheme_that_cannot_be_checked_is_refused(arguments: dict[str, str], said: str) -> None:
    error = refused(lambda: hmac_sha256(**{"header": "X-Sig", "secret": "S", **arguments}))
    assert said in error.detail


def test_every_known_sender_is_a_scheme_with_its_secret_named_and_rotated() -> None:
    for factory in (github, stripe, shopify, slack, standard_webhooks):
        scheme = factory(secret=("NEW_SECRET", "OLD_SECRET"))
        assert isinstance(scheme, SignatureScheme)
        assert (scheme.name, scheme.secrets) == (factory.__name__, ("NEW_SECRET", "OLD_SECRET"))
    assert stripe(secret="S", tolerance=minutes(10)).tolerance_s == 600


def test_a_source_leads_to_its_events_by_name_and_can_be_shown_as_json() -> None:
    source = Product("erp").webhook("orders", event="$.type", verify=github(secret="S"))
    assert (source["order.released"].source, source["order.released"].event) == ("orders", "order.released")
    shown = msgspec.json.decode(msgspec.json.encode(source))
    assert (shown["kind"], shown["product"], shown["verify"]["secrets"]) == ("webhook", "erp", ["S"])


def test_minutes_are_a_duration_and_tokens_are_named() -> None:
    assert minutes(5) == timedelta(seconds=300)
    assert bearer("ERP_TOKEN").token == "ERP_TOKEN"
    refused(lambda: bearer("ghp_abcdefghij"))


def test_the_public_names_are_these() -> None:
    assert sorted(clew.__all__) == sorted(
        [
            "Flow",
            "Integration",
            "Product",
            "bearer",
            "github",
            "hmac_sha256",
            "minutes",
            "shopify",
            "slack",
            "standard_webhooks",
            "stripe",
        ]
    )


def test_declaring_needs_none_of_the_servers_dependencies() -> None:
    server = [
        "litestar",
        "sqlalchemy",
        "jsonpath",
        "zstandard",
        "clickhouse_connect",
        "uvicorn",
        "jinja2",
        "argon2",
        "alembic",
    ]
    without = f"import sys\nfor name in {server}: sys.modules[name] = None\n"
    code = without + "import clew\nclew.Product('a').webhook('b', event='$.c')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
