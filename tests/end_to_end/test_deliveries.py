"""What happens to a night when a delivery is wrong, comes twice, or comes in the wrong order."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest


@pytest.fixture(scope="module")
def held(three_nights, tmp_path_factory):
    """The shop after a night that its required source held up: one row where four are usual."""
    shop = three_nights.copy_to(tmp_path_factory.mktemp("held") / "shop")
    before = _what_readers_see(shop)
    shop.deliver("orders_2024-02-02.csv", [("o13", 1, "cid", "2024-02-02 09:00", "500.00", None)])
    answer = shop.tierwise("run", "--as-of", "2024-02-02")
    return shop, before, answer


def _what_readers_see(shop):
    return shop.current, hashlib.sha256(shop.released.read_bytes()).hexdigest()


def _refused(shop):
    return shop.marts("select name, status, refusal_code from ops_deliveries where status = 'refused'")


def test_a_refused_required_delivery_leaves_readers_where_they_were(held):
    shop, before, _ = held
    assert _what_readers_see(shop) == before


def test_a_refused_required_delivery_is_answered_with_a_sentence_and_exit_code_3(held):
    _, _, answer = held
    assert answer.code == 3
    assert "orders_2024-02-02.csv was refused (volume): 1 rows were delivered, usually it is 4" in answer.said
    assert "tierwise source accept orders-" in answer.said
    assert "Traceback" not in answer.said


@pytest.fixture(scope="module")
def freed(held, tmp_path_factory):
    """The same shop once it delivered again, complete this time."""
    shop = held[0].copy_to(tmp_path_factory.mktemp("freed") / "shop")
    rows = [(f"o{n}", 1, "dee", "2024-02-02 10:00", "1.00", None) for n in (14, 15, 16)]
    shop.deliver("orders_2024-02-02_complete.csv", rows)
    shop.run("2024-02-02")
    return shop


def test_a_night_that_failed_shows_in_the_next_release(freed):
    runs = freed.marts("select as_of::varchar, status, message from ops_runs order by started_at desc limit 2")
    assert [run[:2] for run in runs] == [("2024-02-02", "released"), ("2024-02-02", "failed")]
    assert "orders_2024-02-02.csv was refused (volume)" in runs[1][2]


def test_the_next_good_delivery_goes_through_without_the_refused_one(freed):
    assert freed.current == "2024-02-02.1"
    assert _refused(freed) == [("orders_2024-02-02.csv", "refused", "volume")]
    taken = freed.marts("select order_id from fct_orders where ordered_on = '2024-02-02' order by 1")
    assert taken == [("o14",), ("o15",), ("o16",)]


def test_a_refused_delivery_that_somebody_vouches_for_comes_in_at_the_next_run(held, tmp_path):
    shop = held[0].copy_to(tmp_path / "shop")
    ((delivery,),) = [
        [line.split("\t")[4]] for line in shop.tierwise("source", "list").out.splitlines() if "\trefused\t" in line
    ]
    said = shop.tierwise("source", "accept", delivery, "--because", "the shop was closed")
    assert said.code == 0, said.said
    assert shop.current == "2024-02-01.1"  # only a mark
    shop.run("2024-02-02")
    assert _refused(shop) == []
    because = f"select accepted_because, accepted_rows from ops_deliveries where delivery_id = '{delivery}'"
    assert shop.marts(because) == [("the shop was closed", 1)]
    assert shop.tiers()["cid"] == "top"


def test_only_a_refused_delivery_can_be_vouched_for(three_nights):
    ((delivery,),) = three_nights.marts("select min(delivery_id) from ops_deliveries where stream = 'orders'")
    answer = three_nights.tierwise("source", "accept", delivery, "--because", "all is well")
    assert answer.code == 2
    assert "is accepted, not refused" in answer.said


def test_a_required_source_that_delivers_nothing_at_all_is_missed(company):
    answer = company.tierwise("run", "--as-of", "2024-01-30")
    assert answer.code == 3
    assert "shop delivered no orders: nothing matches `inbox/orders/*.csv` (config/sources.yml:" in answer.said


# --- redelivered orders -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ledger(make_company):
    """A source whose orders replace each other whole, delivered out of order: `updated` says which one is later."""
    company = make_company()
    company.replace("config/sources.yml", 'known_on: {from_name: "orders_%Y-%m-%d"}', "replaces: order")
    company.replace("config/sources.yml", "line_id: line", "line_id: position_in_order")
    company.deliver(
        "1.csv",
        [
            ("grew", 1, "ann", "2024-01-10 09:00", "10.00", "2024-01-11 00:00"),
            ("grew", 2, "ann", "2024-01-10 09:00", "20.00", "2024-01-11 00:00"),
            ("shrank", 1, "bob", "2024-01-10 09:00", "7.00", "2024-01-12 00:00"),
            ("same", 1, "cid", "2024-01-10 09:00", "1.00", None),
            ("same", 2, "cid", "2024-01-10 09:00", "1.00", None),
            ("same", 3, "cid", "2024-01-10 09:00", "2.00", None),
        ],
    )
    company.deliver(
        "2.csv",
        [
            ("grew", 1, "ann", "2024-01-10 09:00", "10.00", "2024-01-12 00:00"),
            ("grew", 2, "ann", "2024-01-10 09:00", "25.00", "2024-01-12 00:00"),
            ("grew", 3, "ann", "2024-01-10 09:00", "30.00", "2024-01-12 00:00"),
            ("shrank", 1, "bob", "2024-01-10 09:00", "7.00", "2024-01-11 00:00"),
            ("shrank", 2, "bob", "2024-01-10 09:00", "8.00", "2024-01-11 00:00"),
            ("same", 1, "cid", "2024-01-10 09:00", "2.00", None),  # the same lines in another order
            ("same", 2, "cid", "2024-01-10 09:00", "1.00", None),
            ("same", 3, "cid", "2024-01-10 09:00", "1.00", None),
        ],
    )
    company.run("2024-01-31")
    return company


def _lines(company, order):
    return company.marts(f"select line_id, original_amount from fct_orders where order_id = '{order}' order by line_id")


def test_a_redelivered_order_replaces_all_its_lines(ledger):
    assert _lines(ledger, "grew") == [("1", Decimal(10)), ("2", Decimal(25)), ("3", Decimal(30))]


def test_an_older_version_that_arrives_later_changes_nothing(ledger):
    assert _lines(ledger, "shrank") == [("1", Decimal(7))]


def test_an_order_with_the_same_lines_again_is_a_duplicate_and_its_equal_lines_all_count(ledger):
    counted = "select delivered_rows, accepted_rows, duplicate_rows from ops_deliveries where name = '{}'"
    assert ledger.marts(counted.format("1.csv")) == [(6, 6, 0)]
    assert ledger.marts(counted.format("2.csv")) == [(8, 5, 3)]
    assert sorted(amount for _, amount in _lines(ledger, "same")) == [Decimal(1), Decimal(1), Decimal(2)]
