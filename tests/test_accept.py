"""What accept takes into the log, and what no second attempt may do to it."""

from __future__ import annotations

import os
from datetime import date

import duckdb
import pytest

from tierwise import accept, conform, control, landing, policy, quarantine, release
from tierwise.errors import Busy

DAY = date(2024, 1, 31)


def _conformed(company) -> str:
    """A night up to the door: one dated order file, landed and conformed."""
    run_id = release.begin([DAY])
    policy.adopt(run_id)
    landing.land(run_id, "shop", "orders")
    conform.conform(run_id)
    return run_id


@pytest.fixture
def shop(company):
    company.deliver("orders_2024-01-31.csv", [("o1", 1, "ann", "2024-01-31 09:00", "10.00", None)])
    with company.at_home():
        yield company


def _rows(shop, delivery: control.Delivery) -> int:
    return duckdb.sql(f"select count(*) from read_parquet('{shop.home / 'var' / delivery.accepted_file}')").fetchall()[
        0
    ][0]


def test_a_second_attempt_leaves_what_the_first_one_accepted_as_it_is(shop):
    run_id = _conformed(shop)
    [delivery_id] = accept.accept(run_id)
    before = control.delivery(delivery_id)
    assert accept.accept(run_id) == []
    assert control.delivery(delivery_id) == before
    assert _rows(shop, before) == 1


def test_a_run_that_was_declared_over_accepts_nothing_any_more(shop):
    run_id = _conformed(shop)
    control.fail_run(run_id, "killed")
    with pytest.raises(Busy, match="is failed and can change nothing any more"):
        accept.accept(run_id)
    assert control.deliveries(status="accepted") == []


def test_a_run_that_was_declared_over_releases_nothing_any_more(shop):
    run_id = _conformed(shop)
    accept.accept(run_id)
    release.build(run_id, "history")
    release.build(run_id, "proposals")
    release.hold_at_the_door_out(run_id)
    control.fail_run(run_id, "killed")
    with pytest.raises(Busy):
        release.release(run_id)
    assert control.pointer().release_id is None


def test_an_order_that_comes_again_with_a_bad_line_stays_as_it_was(company):
    company.replace("config/sources.yml", 'known_on: {from_name: "orders_%Y-%m-%d"}', "replaces: order")
    company.replace("config/sources.yml", "line_id: line", "line_id: position_in_order")
    good = [(f"o{n}", 1, "bob", "2024-01-10 09:00", "1.00", None) for n in range(60)]
    company.deliver("1.csv", [("whole", n, "ann", "2024-01-10 09:00", "10.00", None) for n in (1, 2)] + good)
    company.deliver(
        "2.csv",
        [*(("whole", n, "ann", "2024-01-10 09:00", amount, None) for n, amount in ((1, "11.00"), (2, "ten"))), *good],
    )
    company.run("2024-01-31")
    assert company.marts("select sum(net_amount)::integer from fct_orders where order_id = 'whole'") == [(20,)]
    assert company.marts("select reason_code from ops_quarantine order by row_number") == [
        ("order_incomplete",),
        ("amount_format",),
    ]
    counts = "select delivered_rows, accepted_rows, duplicate_rows, quarantined_rows from ops_deliveries where name = '2.csv'"
    assert company.marts(counts) == [(62, 0, 60, 2)]


def test_two_lines_of_an_order_with_one_number_are_a_conflict(company):
    company.replace("config/sources.yml", 'known_on: {from_name: "orders_%Y-%m-%d"}', "replaces: order")
    good = [(f"o{n}", 1, "bob", "2024-01-10 09:00", "1.00", None) for n in range(60)]
    twice = [("o60", 1, "ann", "2024-01-10 09:00", amount, None) for amount in ("1.00", "2.00")]
    company.deliver("1.csv", good + twice)
    company.run("2024-01-31")
    assert company.marts("select row_number, reason_code from ops_quarantine order by all") == [
        (61, "conflict"),
        (62, "conflict"),
    ]


def test_one_file_with_a_rows_versions_of_several_days_brings_them_all(company):
    company.replace("config/sources.yml", 'known_on: {from_name: "orders_%Y-%m-%d"}', "known_on: {column: updated}")
    company.deliver(
        "history.csv",
        [
            ("o1", 1, "ann", "2024-01-02 09:00", "10.00", "2024-01-02 10:00"),
            ("o1", 1, "ann", "2024-01-02 09:00", "12.00", "2024-01-20 10:00"),
        ],
    )
    company.backfill("2024-01-10", "2024-01-31", "--every", "day")
    assert company.marts("select accepted_rows, quarantined_rows from ops_deliveries") == [(2, 0)]
    assert company.marts("select net_amount::integer from fct_orders") == [(12,)]


def test_a_file_whose_name_gives_no_day_stays_outside(company):
    company.deliver("orders_final.csv", [("o1", 1, "ann", "2024-01-31 09:00", "10.00", None)])
    answer = company.tierwise("run", "--as-of", "2024-01-31")
    assert answer.code == 3
    assert "orders_final.csv does not give its day" in answer.said
    with company.at_home():
        assert [d.status for d in control.deliveries()] == ["refused"]


def test_a_file_with_a_name_in_another_encoding_lands_under_a_readable_one(company):
    company.deliver("orders_2024-01-31.csv", [("o1", 1, "ann", "2024-01-31 09:00", "10.00", None)])
    folder = company.home / "inbox" / "orders"
    (folder / "orders_2024-01-31.csv").rename(folder / os.fsdecode(b"\xb6\xa9\xb5\xa5_orders_2024-01-31.csv"))
    company.run("2024-01-31")
    assert company.marts("select name, accepted_rows from ops_deliveries") == [
        ("\\xb6\\xa9\\xb5\\xa5_orders_2024-01-31.csv", 1)
    ]


def test_a_night_before_the_first_delivery_of_an_optional_source_is_an_empty_release(company):
    company.replace("config/sources.yml", "required: true", "required: false")
    company.run("2024-01-31")
    assert company.marts("select count(*) from dim_customers") == [(0,)]


def test_a_delivery_with_too_many_bad_rows_is_refused_until_somebody_vouches_for_it(company):
    bad = [(f"o{n}", 1, "bob", "2024-01-31 09:00", "ten" if n < 3 else "1.00", None) for n in range(10)]
    company.deliver("orders_2024-01-31.csv", bad)
    answer = company.tierwise("run", "--as-of", "2024-01-31")
    assert answer.code == 3
    assert "3 of 10 rows are bad (3 × amount_format)" in answer.said
    with company.at_home():
        [delivery] = control.deliveries()
    assert company.tierwise("source", "accept", delivery.delivery_id, "--because", "the old till").code == 0
    company.run("2024-01-31")
    assert company.marts("select accepted_rows, quarantined_rows from ops_deliveries") == [(7, 3)]


def test_a_row_that_the_door_stops_is_kept_with_the_value_that_stopped_it(company):
    good = [(f"o{n}", 1, "bob", "2024-01-31 09:00", "1.00", None) for n in range(9)]
    company.deliver("orders_2024-01-31.csv", [*good, ("o9", 1, "bob", "2024-03-31 09:00", "1.00", None)])
    company.run("2024-01-31")
    with company.at_home():
        [delivery] = control.deliveries()
        [row] = quarantine.rows(delivery.delivery_id)
    assert (row.row_number, row.reason_code, row.column_name) == (10, "future_date", "ordered_at")
    assert row.raw_value == "2024-03-31 08:00:00"  # as it was typed: London had put its clocks forward that morning
    assert '"at":"2024-03-31 09:00"' in str(row.raw_row)
