"""What has state runs day by day, where dbt's unit tests cannot follow: small builds over several days, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tierwise import warehouse

MARCH = [date(2024, 3, day) for day in range(5)[1:]]
Row = dict[str, Any]
Ask = Callable[[str], list[tuple[Any, ...]]]


def order(
    customer: str,
    day: date,
    amount: str,
    *,
    version: int = 1,
    known_on: date | None = None,
    kind: str = "sale",
    cost_amount: Decimal | None = None,
) -> Row:
    return {
        "source": "shop",
        "order_id": f"{customer}-{day}",
        "line_id": "1",
        "customer_id": customer,
        "ordered_at": datetime.combine(day, time(12)),
        "amount": Decimal(amount),
        "currency": "GBP",
        "cost_amount": cost_amount,
        "kind": kind,
        "row_number": version,
        "known_on": known_on or day,
        "version_of": f"{customer}-{day}",
        "version_id": f"{customer}-{day}-{version}",
        "accepted_order": version,
    }


def tier(name: str, rank: int, kind: str) -> Row:
    return {**VERSION, "tier": name, "tier_rank": rank, "label_en": name, "label_zh": name, "rule_kind": kind}


def held(customer: str, policy: str, **state: object) -> Row:
    key = duckdb.sql(f"select md5('shop|{customer}')").fetchall()[0][0]
    return {
        "as_of": date(2024, 2, 29),
        "policy": policy,
        "customer_key": key,
        "graded": "graded",
        "reason": "reached",
        **state,
    }


VERSION = {"policy": "abc", "policy_version": "v2"}
ABC = {
    **VERSION,
    "policy_status": "active",
    "is_primary": True,
    "label_en": "ABC",
    "label_zh": "ABC",
    "currency": "GBP",
    "measure": "net_revenue_12m",
    "after_days": 2,
    "otherwise_graded": "provisional",
    "minimum_coverage": Decimal(1),
    "promotion_band": Decimal(0),
    "demotion_band": Decimal(0),
    "minimum_stay_days": 0,
    "grace_days": 0,
    "confirm_days": 1,
    "review_calendar": "nightly",
    "position": 1,
}


@pytest.fixture(scope="module")
def march(lay) -> Ask:
    """Four days of one policy: A from 100 on, graded two days after the first sale."""
    build: Path = lay(
        *MARCH,
        policies_in_force=[{"as_of": day, **VERSION} for day in MARCH],
        policies=[ABC],
        policy_tiers=[tier("A", 1, "at_least"), tier("B", 2, "otherwise")],
        policy_conditions=[
            {**VERSION, "tier": "A", "tier_rank": 1, "position": 1, "measure": "net_revenue_12m"}
            | {"condition_kind": "at_least", "bound": Decimal(100)}
        ],
        orders=[
            order("new", MARCH[0], "150", cost_amount=Decimal(100)),
            order("old", date(2023, 11, 1), "150", cost_amount=Decimal(120)),
            order("rising", date(2023, 11, 1), "60", cost_amount=Decimal(70)),
            order("rising", MARCH[1], "40", cost_amount=Decimal(50)),
            order("gone", MARCH[0], "150"),
            order("gone", MARCH[0], "0", version=2, known_on=MARCH[2], kind="cancel"),
        ],
        tier_states=[
            held("old", "abc", policy_version="v1", tier="A", tier_rank=1, tier_since=date(2023, 11, 3)),
            held("rising", "abc", policy_version="v1", tier="B", tier_rank=2, tier_since=date(2023, 11, 3)),
            held("old", "retired", policy_version="w1", tier="top", tier_rank=1, tier_since=date(2023, 11, 3)),
        ],
        policy_states=[
            {"as_of": date(2024, 2, 29), "policy": name, "policy_version": "v1", "measure": "net_revenue_12m"}
            for name in ("abc", "retired")
        ],
        policy_days=[
            {"as_of": date(2024, 2, 29), "policy": name, "policy_version": "v1"} for name in ("abc", "retired")
        ],
    )
    for part in warehouse.PARTS:
        warehouse.build(build, part)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(build), read_only=True) as d:
            return d.execute(sql).fetchall()

    return ask


def decisions(march: Ask, customer: str, columns: str) -> list[tuple[Any, ...]]:
    return march(
        f"select extract(day from as_of), {columns} from intermediate.int_tier_decisions__decided"
        f" where customer_key = md5('shop|{customer}') and policy = 'abc' order by as_of"
    )


def test_a_customer_whose_tier_stays_keeps_tier_since(march):
    assert decisions(march, "old", "tier, tier_since, is_change") == [
        (day, "A", date(2023, 11, 3), False) for day in (1, 2, 3, 4)
    ]


def test_becoming_graded_restarts_tier_since_even_in_the_same_tier(march):
    assert decisions(march, "new", "tier, graded, tier_since, is_change, is_new, from_graded") == [
        (1, "A", "provisional", MARCH[0], True, True, None),
        (2, "A", "provisional", MARCH[0], False, False, "provisional"),
        (3, "A", "graded", MARCH[2], True, False, "provisional"),
        (4, "A", "graded", MARCH[2], False, False, "graded"),
    ]


def test_a_change_of_tier_restarts_tier_since(march):
    assert decisions(march, "rising", "from_tier, tier, tier_since, is_change, score") == [
        (1, "B", "B", date(2023, 11, 3), False, Decimal(60)),
        (2, "B", "A", MARCH[1], True, Decimal(100)),
        (3, "A", "A", MARCH[1], False, Decimal(100)),
        (4, "A", "A", MARCH[1], False, Decimal(100)),
    ]


def test_leaving_the_population_is_written_once(march):
    assert decisions(march, "gone", "tier, graded, reason, tier_since") == [
        (1, "A", "provisional", "provisional", MARCH[0]),
        (2, "A", "provisional", "provisional", MARCH[0]),
        (3, None, "not_graded", "left_population", MARCH[2]),
    ]


def test_nobody_leaves_a_policy_that_is_no_longer_decided(march):
    assert march("select * from intermediate.int_tier_decisions__decided where policy = 'retired'") == []


def test_the_day_the_run_starts_from_is_not_decided_again(march):
    assert march("select distinct as_of from intermediate.int_tier_decisions__decided order by 1") == [
        (d,) for d in MARCH
    ]


def test_concentration_is_that_of_revenue_sorted_by_hand(march):
    """150, 150 and 100. Gini: 1 + 1/3 - 2 (1 * 150 + 2 * 150 + 3 * 100) / (3 * 400) = 1/12."""
    value = "select value from marts.rpt_value_concentration where as_of = '2024-03-04' and "
    assert march(value + "statistic = 'gini'") == [(Decimal("0.0833"),)]
    assert march(value + "statistic = 'top_share' and customer_share = 0.20") == [(Decimal(0),)]  # no whole customer
    curve = march(value + "statistic = 'lorenz' and customer_share in (0, 0.33, 0.34, 0.67, 1) order by customer_share")
    assert curve == [(Decimal(0),), (Decimal(0),), (Decimal("0.375"),), (Decimal("0.75"),), (Decimal(1),)]
    # shares 0.375, 0.375 and 0.25: 1 / (2 * 0.140625 + 0.0625)
    assert march(value + "statistic = 'effective_customers'") == [(Decimal("2.9091"),)]


def test_the_whale_curve_is_that_of_profit_sorted_by_hand(march):
    """50, 30 and -20: two of three customers earn 80 of 60, the third takes 20 of it back."""
    row = "select customer_share, customers, value from marts.rpt_value_concentration where as_of = '2024-03-04' and "
    assert march(row + "statistic = 'whale_peak'") == [(Decimal("0.6667"), 2, Decimal("1.3333"))]
    curve = march(row + "statistic = 'whale' and customer_share in (0.33, 0.34, 0.67, 1) order by customer_share")
    assert [value for *_, value in curve] == [Decimal(0), Decimal("0.8333"), Decimal("1.3333"), Decimal(1)]
