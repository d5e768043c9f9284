"""A second company needs a configuration and not a line of code; its README's published sums are the oracle."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from tests.decision import decided_again
from tests.decision.oracle import Value

pytestmark = pytest.mark.slow

PLACE = Path(__file__).parent / "adventureworks"
CENT = Decimal("0.01")
AS_OF = date(2019, 6, 30)


@pytest.fixture(scope="module")
def adventureworks(move_in):
    company = move_in(PLACE / "config", PLACE / "data")
    company.run("2019-06-30")
    return company


@pytest.fixture(scope="module")
def raw():
    """Every order line of the three yearly files, amounts and costs rounded half to even to the cent."""
    lines = []
    for file in sorted((PLACE / "data/orders").glob("*.csv.gz")):
        with gzip.open(file, "rt", newline="") as f:
            for line in csv.DictReader(f):
                month, day, year = (int(part) for part in line["order_date"].split("/"))
                quantity = int(line["quantity"])
                line["day"] = (year, month, day)
                line["amount"] = (quantity * Decimal(line["unit_price"])).quantize(CENT, ROUND_HALF_EVEN)
                line["cost"] = (quantity * Decimal(line["unit_cost"])).quantize(CENT, ROUND_HALF_EVEN)
                lines.append(line)
    return lines


def test_every_line_is_accepted(adventureworks, raw):
    assert len(raw) == 56_046
    counted = adventureworks.marts("""
        select sum(delivered_rows), sum(accepted_rows), count(*) from ops_deliveries where stream = 'orders'""")
    assert counted == [(56_046, 56_046, 3)]
    assert adventureworks.marts("select count(*) from fct_orders") == [(56_046,)]


def test_sales_and_cost_are_those_of_the_files_to_the_cent(adventureworks, raw):
    expected = (sum(line["amount"] for line in raw), sum(line["cost"] for line in raw))
    assert adventureworks.marts("select sum(net_amount), sum(cost_amount) from fct_orders") == [expected]
    unrounded = sum(int(line["quantity"]) * Decimal(line["unit_price"]) for line in raw)
    assert unrounded == Decimal("24914586.8193")  # as the README has it


def test_an_order_number_of_two_customers_is_two_orders(adventureworks, raw):
    expected = len({(line["order_number"], line["customer_key"]) for line in raw})
    assert expected == 25_164
    assert adventureworks.marts("select count(distinct order_id) from fct_orders") == [(expected,)]
    shared = "select count(distinct customer_key) from fct_orders where order_id like 'SO62019-%'"
    assert adventureworks.marts(shared) == [(2,)]


def test_revenue_and_profit_of_every_customer_are_known(adventureworks, raw):
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for line in raw:
        if line["day"] > (2018, 6, 30):  # the 365 days that end on 30 June 2019
            revenue[line["customer_key"]] += line["amount"]
            cost[line["customer_key"]] += line["cost"]
    buyers = {line["customer_key"] for line in raw}
    assert len(buyers) == 17_411
    ours = adventureworks.marts("""
        select customer_id, value.net_revenue_12m, gross_profit_12m
        from fct_customer_value as value join dim_customer_ids using (customer_key)
        where is_latest and not is_prospect""")
    assert {customer: (r, p) for customer, r, p in ours} == {
        customer: (revenue[customer], revenue[customer] - cost[customer]) for customer in buyers
    }


def test_profit_is_what_one_statement_of_plain_sql_finds(adventureworks):
    """Over the raw files alone: each line in whole cents, half to even, then summed."""
    cents = """
        select customer_key, sum((price // 100 + (price % 100 > 50 or (price % 100 = 50 and price // 100 % 2 = 1))::bigint)
            - (cost // 100 + (cost % 100 > 50 or (cost % 100 = 50 and cost // 100 % 2 = 1))::bigint))
        from (
            select customer_key, strptime(order_date, '%m/%d/%Y')::date as day,
                (quantity::bigint * unit_price::decimal(18, 4) * 10000)::bigint as price,
                (quantity::bigint * unit_cost::decimal(18, 4) * 10000)::bigint as cost
            from read_csv('{}', all_varchar = true)
        ) where day between date '2018-07-01' and date '2019-06-30' group by customer_key"""
    theirs = dict(adventureworks.ask_files(cents.format(PLACE / "data/orders/*.csv.gz")))
    ours = adventureworks.marts("""
        select customer_id, gross_profit_12m from fct_customer_value join dim_customer_ids using (customer_key)
        where is_latest and gross_profit_12m is not null""")
    assert len(theirs) > 10_000
    assert {customer: profit for customer, profit in ours if profit} == {
        customer: Decimal(int(profit)) / 100 for customer, profit in theirs.items() if profit
    }


def test_who_never_bought_is_a_prospect_without_a_tier(adventureworks):
    prospects = "select count(*), count(net_revenue_12m), count(tier) from dim_customers where is_prospect"
    assert adventureworks.marts(prospects) == [(737, 0, 0)]


def test_every_tier_lies_between_its_bounds(adventureworks):
    found = adventureworks.marts("""
        select tier, min(score), max(score) from dim_customer_tiers where policy = 'by_revenue' group by tier""")
    (_, large, _), (_, least, most), (_, _, small) = sorted(found)
    assert small < 500 <= least < most < 3000 <= large


@pytest.mark.parametrize("policy", ["pyramid", "by_revenue"])
def test_every_decision_is_that_of_the_oracle(adventureworks, raw, policy):
    declared = decided_again.policies(PLACE / "config/tier_policies.yml")
    assert len(declared) == 2
    case = decided_again.case(policy, declared[policy], {AS_OF: _values(raw)})
    told = decided_again.differences(adventureworks, case)
    assert not any(told.values()), {mart: (len(rows), rows[:10]) for mart, rows in told.items()}


def _values(raw):
    """Every customer on the day of the run; a sale here is never taken back, and none is free."""
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    profit: dict[str, Decimal] = defaultdict(Decimal)
    orders: dict[str, set[str]] = defaultdict(set)
    first_sale: dict[str, date] = {}
    for line in raw:
        customer, day = line["customer_key"], date(*line["day"])
        assert line["amount"] > 0
        first_sale[customer] = min(day, first_sale.get(customer, day))
        if day > AS_OF - timedelta(days=365):
            revenue[customer] += line["amount"]
            profit[customer] += line["amount"] - line["cost"]
            orders[customer].add(line["order_number"])
    return {
        customer: Value(
            first_sale_on=since,
            numbers={
                "net_revenue_12m": revenue[customer],
                "gross_profit_12m": profit[customer],
                "orders_12m": Decimal(len(orders[customer])),
                "tenure_days": Decimal((AS_OF - since).days),
            },
        )
        for customer, since in first_sale.items()
    }
