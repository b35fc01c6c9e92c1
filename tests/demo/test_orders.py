import random

import msgspec
import pytest

from clew.demo.companies import COMPANIES, NO_POSTAL_CODE, SOUND, choose_company
from clew.demo.orders import Numbers, make_order, request_shipment

NOW_MS = 1_780_000_000_000


def test_numbers_grow_and_never_come_twice_within_one_moment():
    numbers = Numbers("SO")
    given = [numbers.next(NOW_MS) for _ in range(50)]
    assert len(set(given)) == 50
    assert given == sorted(given)


def test_numbers_go_on_after_a_restart():
    before = Numbers("SO")
    last = [before.next(NOW_MS + 100 * n) for n in range(600)][-1]
    assert Numbers("SO").next(NOW_MS + 60_000) > last


def test_an_order_is_a_realistic_document_with_its_total():
    order = make_order(random.Random(1), "SO-1", COMPANIES[0], NOW_MS)
    assert order.total == pytest.approx(sum(line.quantity * line.unit_price for line in order.lines))
    sizes = [len(msgspec.json.encode(make_order(random.Random(n), "SO-1", COMPANIES[0], NOW_MS))) for n in range(50)]
    assert min(sizes) > 300
    assert max(sizes) < 2_000


def test_a_shipment_is_asked_for_with_the_address_and_lines_of_the_order():
    order = make_order(random.Random(1), "SO-1", NO_POSTAL_CODE, NOW_MS)
    request = request_shipment(order)
    assert (request.order_number, request.ship_to, request.lines) == ("SO-1", order.ship_to, order.lines)
    assert request.ship_to.postal_code == ""


def test_there_are_forty_companies_and_the_large_ones_order_oftener():
    assert len({company.name for company in COMPANIES}) == len({company.slug for company in COMPANIES}) == 40
    rng = random.Random(1)
    chosen = [choose_company(rng).name for _ in range(4_000)]
    counts = [chosen.count(company.name) for company in COMPANIES]
    assert counts[0] > 5 * counts[-1] > 0
    assert all(company in SOUND for company in (choose_company(rng, SOUND) for _ in range(200)))


def test_every_address_lives_under_example():
    assert all(company.email.endswith(".example") for company in COMPANIES)
