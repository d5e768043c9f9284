"""The rule tables carry the policy's numbers as decimals, never as floats, in the columns that the decision reads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tierwise import control, policy
from tierwise.policy import rules

POLICIES = """\
gone:
  status: retired
  labels: Gone
  measure: orders_12m
  tiers: [{tier: all, labels: All, otherwise: true}]
pyramid:
  status: active
  primary: true
  labels: {en: Value pyramid, zh: 客户价值金字塔}
  owner: Sales
  measure: net_revenue_12m
  then_by: [orders_12m, tenure_days]
  rank_within: region
  eligible: {after_days: 90, otherwise: provisional}
  tiers:
    - {tier: vip, labels: {en: VIP, zh: VIP客户}, top_share: 0.29, seat_cap: 50}
    - {tier: small, labels: {en: Small, zh: 小客户}, otherwise: true}
  stability:
    promotion_band: 0.15
    demotion_band: 0.25
    minimum_stay_days: 90
    maximum_steps_down: 1
    grace_days: 30
    confirm_days: 2
  review_calendar: half-yearly
by_orders:
  status: shadow
  labels: {en: By orders, zh: 按订单数}
  measure: orders_12m
  applies_to: {subject_type: company, region: [South, North]}
  eligible: {minimum_coverage: 0}
  tiers:
    - {tier: named, labels: {en: Named, zh: 点名}, manual: true}
    - tier: many
      labels: {en: Many, zh: 多}
      all: [{above: 10}, {measure: net_revenue_12m, top_share: 0.05}]
    - {tier: some, labels: {en: Some, zh: 有}, at_least: 0.5}
    - {tier: none, labels: {en: None, zh: 无}, otherwise: true}
  stability: {confirm_days: 0}
"""
AS_OF = date(2011, 12, 9)


@pytest.fixture
def inputs(policy_file: Path) -> Path:
    policy_file.write_text(POLICIES, encoding="utf-8")
    run = control.begin_run("night-1", "night", [AS_OF], None, control.pointer().counter)
    policy.adopt("night-1")
    return run.work / "inputs"


def _table(inputs: Path, name: str, order: str) -> list[tuple]:
    return duckdb.sql(f"select * from '{inputs / name}.parquet' order by {order}").fetchall()


def _version(name: str) -> str:
    return next(p.version for p in policy.load() if p.name == name)


def test_policies_in_the_order_of_the_file_without_the_retired(inputs: Path) -> None:
    assert _table(inputs, "policies", "position") == [
        (
            "pyramid", _version("pyramid"), "active", True, "Value pyramid", "客户价值金字塔", "Sales", "GBP",
            "net_revenue_12m", False, "region", 90, "provisional", Decimal("0.5000"), Decimal("0.1500000000"),
            Decimal("0.2500000000"), 90, 30, 2, 1, "half_yearly", 1,
        ),
        (
            "by_orders", _version("by_orders"), "shadow", False, "By orders", "按订单数", None, "GBP",
            "orders_12m", False, None, 0, "not_graded", Decimal("0.0000"), Decimal("0E-10"),
            Decimal("0E-10"), 0, 0, 1, None, "nightly", 2,
        ),
    ]  # fmt: skip


def test_a_day_names_the_version_of_every_policy_that_decides(inputs: Path) -> None:
    assert _table(inputs, "policies_in_force", "policy") == [
        (AS_OF, "by_orders", _version("by_orders")),
        (AS_OF, "pyramid", _version("pyramid")),
    ]


def test_tiers_from_the_top_with_the_decimals_as_written(inputs: Path) -> None:
    pyramid, by_orders = _version("pyramid"), _version("by_orders")
    assert _table(inputs, "policy_tiers", "policy desc, tier_rank") == [
        ("pyramid", pyramid, "vip", 1, "VIP", "VIP客户", "top_share", Decimal("0.2900000000"), None, 50),
        ("pyramid", pyramid, "small", 2, "Small", "小客户", "otherwise", None, None, None),
        ("by_orders", by_orders, "named", 1, "Named", "点名", "manual", None, None, None),
        ("by_orders", by_orders, "many", 2, "Many", "多", "all", None, None, None),
        ("by_orders", by_orders, "some", 3, "Some", "有", "at_least", None, Decimal("0.5000"), None),
        ("by_orders", by_orders, "none", 4, "None", "无", "otherwise", None, None, None),
    ]


def test_every_line_is_a_condition_and_what_people_decide_has_none(inputs: Path) -> None:
    pyramid, by_orders = _version("pyramid"), _version("by_orders")
    assert _table(inputs, "policy_conditions", "policy desc, tier_rank, position") == [
        ("pyramid", pyramid, "vip", 1, 1, "net_revenue_12m", "top_share", Decimal("0.2900000000"), None),
        ("by_orders", by_orders, "many", 2, 1, "orders_12m", "above", None, Decimal("10.0000")),
        ("by_orders", by_orders, "many", 2, 2, "net_revenue_12m", "top_share", Decimal("0.0500000000"), None),
        ("by_orders", by_orders, "some", 3, 1, "orders_12m", "at_least", None, Decimal("0.5000")),
    ]


def test_whom_a_policy_is_for_is_one_row_a_value(inputs: Path) -> None:
    version = _version("by_orders")
    assert _table(inputs, "policy_applies_to", "attribute, value") == [
        ("by_orders", version, "region", "North"),
        ("by_orders", version, "region", "South"),
        ("by_orders", version, "subject_type", "company"),
    ]


def test_29_percent_of_100_customers_are_29_seats(inputs: Path) -> None:
    seats = f"select floor(share * 100) from '{inputs}/policy_tiers.parquet' where tier = 'vip'"
    assert duckdb.sql(seats).fetchone() == (Decimal(29),)


def test_then_by_keeps_its_order(inputs: Path) -> None:
    assert _table(inputs, "policy_then_by", "position") == [
        ("pyramid", _version("pyramid"), 1, "orders_12m"),
        ("pyramid", _version("pyramid"), 2, "tenure_days"),
    ]


def test_the_columns_have_the_types_that_the_decision_joins(inputs: Path) -> None:
    for name, columns in rules.TABLES.items():
        kinds = duckdb.sql(f"describe from '{inputs / name}.parquet'").fetchall()
        assert {column: str(kind) for column, kind, *_ in kinds} == {
            column: kind.upper().replace(", ", ",") for column, kind in columns.items()
        }


def test_every_row_of_a_rule_table_says_the_version_it_belongs_to(inputs: Path) -> None:
    assert all({"policy", "policy_version"} <= set(columns) for columns in rules.TABLES.values())


def test_the_control_store_keeps_every_text_once_with_its_first_day(inputs: Path) -> None:
    control.begin_run("night-2", "night", [date(2011, 12, 10)], None, control.pointer().counter)
    policy.adopt("night-2")
    kept = [(row["policy"], row["version"], row["first_as_of"]) for row in control.policy_versions()]
    assert kept == [(name, _version(name), AS_OF) for name in ("by_orders", "gone", "pyramid")]


def test_no_policies_give_empty_tables_of_the_same_shape(home: Path, tmp_path: Path) -> None:
    policy.write_rule_tables([], tmp_path / "none")
    for name, columns in rules.TABLES.items():
        assert duckdb.sql(f"select {', '.join(columns)} from '{tmp_path}/none/{name}.parquet'").fetchall() == []


def test_two_runs_of_one_file_write_the_same_bytes(inputs: Path, tmp_path: Path) -> None:
    policy.write_rule_tables([(AS_OF, one) for one in policy.load()], tmp_path / "again")
    for name in rules.TABLES:
        assert (tmp_path / "again" / f"{name}.parquet").read_bytes() == (inputs / f"{name}.parquet").read_bytes()
