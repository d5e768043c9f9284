"""Orders in other currencies, by the command line: a line without a rate waits, and counts once there is one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .conftest import SOURCES

RATES = """\
- name: bank
  required: false
  kind: files
  time_zone: Europe/London
  streams:
    exchange_rates:
      from: inbox/rates/*.csv
      known_on: {from_name: "rates_%Y-%m-%d"}
      columns: {currency: currency, from: day, rate: rate}
"""
ORDERS = ("order", "line", "customer", "at", "amount", "updated", "currency")


@pytest.fixture(scope="module")
def abroad(make_company):
    """Two nights: on the second evening the bank delivers, and one of its rates has slipped by a digit."""
    sources = SOURCES.replace("currency: {value: GBP}", "currency: currency") + RATES
    company = make_company(sources=sources)
    company.deliver(
        "orders_2024-01-10.csv",
        [
            ("A", 1, "anna", "2024-01-09 10:00", "100.30", "2024-01-09 10:00", "EUR"),
            ("B", 1, "bert", "2024-01-09 10:00", "10.00", "2024-01-09 10:00", "GBP"),
        ],
        columns=ORDERS,
    )
    first = company.run("2024-01-10")
    waiting = company.marts("select order_id, is_counted, exchange_rate, net_amount from fct_orders order by 1")
    judged = company.marts("select policy, customer_key from dim_customer_tiers")
    company.deliver(
        "rates_2024-01-11.csv",
        [("EUR", "2024-01-08", "0.85"), ("EUR", "2024-01-10", "8.6"), ("JPY", "2024-01-08", "0.00541")],
        columns=("currency", "day", "rate"),
        folder="rates",
    )
    second = company.run("2024-01-11")
    return company, first, waiting, judged, second


def test_a_line_without_a_rate_waits_is_shown_and_told(abroad):
    _, first, waiting, judged, _ = abroad
    assert waiting == [("A", False, None, None), ("B", True, Decimal(1), Decimal("10.00"))]
    assert len({customer for _, customer in judged}) == 1  # who bought nothing that counts is in no tier yet
    assert "1 cases): every order line has an exchange rate of its day" in first.said


def test_it_counts_from_the_day_on_which_its_rate_is_known(abroad):
    company, _, _, _, second = abroad
    rated = company.marts("select net_amount, exchange_rate, known_on::varchar from fct_orders where order_id = 'A'")
    assert rated == [(Decimal("85.26"), Decimal("0.85"), "2024-01-11")]  # 85.255, half to even
    assert company.marts("select sum(net_revenue_12m) from fct_customer_value where is_latest") == [(Decimal("95.26"),)]
    assert "exchange rate of its day" not in second.said


def test_a_rate_that_leaps_stays_outside_until_somebody_looked_at_it(abroad):
    company, *_ = abroad
    outside = company.marts("select reason_code, column_name from ops_quarantine where stream = 'exchange_rates'")
    assert outside == [("rate_leap", "rate")]
