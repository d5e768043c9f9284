"""The rule tables carry the policy's numbers as decimals, never as floats, in the columns that the decision reads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tierwise import control, policy

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
  measure: net_revenue_12m
  then_by: [orders_12m, tenure_days]
  eligible: {after_days: 90, otherwise: provisional}
  tiers:
    - {tier: vip, labels: {en: VIP, zh: VIP客户}, top_share: 0.29}
    - {tier: small, labels: {en: Small, zh: 小客户}, otherwise: true}
by_orders:
  status: shadow
  labels: {en: By orders, zh: 按订单数}
  measure: orders_12m
  tiers:
    - {tier: many, labels: {en: Many, zh: 多}, above: 10}
    - {tier: some, labels: {en: Some, zh: 有}, at_least: 0.5}
    - {tier: none, labels: {en: None, zh: 无}, otherwise: true}
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
            "pyramid", _version("pyramid"), "active", True, "Value pyramid", "客户价值金字塔", "GBP", "net_revenue_12m",
            90, "provisional", 1,
        ),
        (
            "by_orders", _version("by_orders"), "shadow", False, "By orders", "按订单数", None, "orders_12m",
            0, "not_graded", 2,
        ),
    ]  # fmt: skip


def test_tiers_from_the_top_with_the_decimals_as_written(inputs: Path) -> None:
    assert _table(inputs, "policy_tiers", "policy desc, tier_rank") == [
        ("pyramid", "vip", 1, "VIP", "VIP客户", "top_share", Decimal("0.2900000000"), None),
        ("pyramid", "small", 2, "Small", "小客户", "otherwise", None, None),
        ("by_orders", "many", 1, "Many", "多", "above", None, Decimal("10.0000")),
        ("by_orders", "some", 2, "Some", "有", "at_least", None, Decimal("0.5000")),
        ("by_orders", "none", 3, "None", "无", "otherwise", None, None),
    ]


def test_29_percent_of_100_customers_are_29_seats(inputs: Path) -> None:
    seats = f"select floor(share * 100) from '{inputs}/policy_tiers.parquet' where tier = 'vip'"
    assert duckdb.sql(seats).fetchone() == (Decimal(29),)


def test_then_by_keeps_its_order(inputs: Path) -> None:
    assert _table(inputs, "policy_then_by", "position") == [
        ("pyramid", 1, "orders_12m"),
        ("pyramid", 2, "tenure_days"),
    ]


def test_the_columns_have_the_types_that_the_decision_joins(inputs: Path) -> None:
    kinds = {
        name: {
            column: str(kind) for column, kind, *_ in duckdb.sql(f"describe from '{inputs / name}.parquet'").fetchall()
        }
        for name in ("policies", "policy_then_by", "policy_tiers")
    }
    assert kinds["policies"]["is_primary"] == "BOOLEAN"
    assert kinds["policies"]["after_days"] == kinds["policy_tiers"]["tier_rank"] == "INTEGER"
    assert (kinds["policy_tiers"]["share"], kinds["policy_tiers"]["bound"]) == ("DECIMAL(18,10)", "DECIMAL(18,4)")
    assert kinds["policy_then_by"] == {"policy": "VARCHAR", "position": "INTEGER", "measure": "VARCHAR"}


def test_the_control_store_keeps_every_text_once_with_its_first_day(inputs: Path) -> None:
    control.begin_run("night-2", "night", [date(2011, 12, 10)], None, control.pointer().counter)
    policy.adopt("night-2")
    kept = [(row["policy"], row["version"], row["first_as_of"]) for row in control.policy_versions()]
    assert kept == [(name, _version(name), AS_OF) for name in ("by_orders", "gone", "pyramid")]


def test_a_policy_file_without_ties_to_break_gives_an_empty_table_of_the_same_shape(home: Path, tmp_path: Path) -> None:
    policy.write_rule_tables([], tmp_path / "none")
    assert (
        duckdb.sql(f"select policy, position, measure from '{tmp_path}/none/policy_then_by.parquet'").fetchall() == []
    )


def test_two_runs_of_one_file_write_the_same_bytes(inputs: Path, tmp_path: Path) -> None:
    policy.write_rule_tables(policy.load(), tmp_path / "again")
    for name in ("policies", "policy_then_by", "policy_tiers"):
        assert (tmp_path / "again" / f"{name}.parquet").read_bytes() == (inputs / f"{name}.parquet").read_bytes()
