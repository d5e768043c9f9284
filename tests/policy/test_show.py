"""A bound is printed so that nobody has to ask whether it is inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise import policy

ABC = """\
abc:
  status: active
  primary: true
  labels: {en: ABC, zh: ABC分级}
  measure: MEASURE
  then_by: [tenure_days]
  tiers:
    - {tier: A, labels: {en: A, zh: A类}, FIRST}
    - {tier: B, labels: {en: B, zh: B类}, SECOND}
    - {tier: C, labels: {en: C, zh: C类}, otherwise: true}
"""


@pytest.mark.parametrize(
    ("measure", "first", "second", "english", "chinese"),
    [
        pytest.param(
            "net_revenue_12m", "above: 1000000", "at_least: 500000",
            ["above 1,000,000", "500,000 or more, 1,000,000 or less", "below 500,000"],
            ["超过100万", "50万以上（含）、100万以下（含）", "不满50万"],
            id="the_abc_rule",
        ),
        pytest.param(
            "net_revenue_12m", "at_least: 1000000", "above: 500000",
            ["1,000,000 or more", "above 500,000, below 1,000,000", "500,000 or less"],
            ["100万以上（含）", "超过50万、不满100万", "50万以下（含）"],
            id="the_other_ends",
        ),
        pytest.param(
            "net_revenue_12m", "at_least: 1234567.5", "at_least: 2500",
            ["1,234,567.50 or more", "2,500 or more, below 1,234,567.50", "below 2,500"],
            ["1,234,567.50以上（含）", "2,500以上（含）、不满1,234,567.50", "不满2,500"],
            id="a_bound_is_never_rounded",
        ),
        pytest.param(
            "net_revenue_12m", "at_least: 250000000", "at_least: 12500",
            ["250,000,000 or more", "12,500 or more, below 250,000,000", "below 12,500"],
            ["2.5亿以上（含）", "1.25万以上（含）、不满2.5亿", "不满1.25万"],
            id="large_money",
        ),
        pytest.param(
            "net_revenue_12m", "top_share: 0.01", "top_share: 0.05",
            ["top 1%", "next 4% (top 5% in all)", "everybody else"],
            ["前1%", "其次4%（累计前5%）", "其余客户"],
            id="a_pyramid",
        ),
        pytest.param(
            "net_revenue_12m", "at_least: 100000", "top_share: 0.125",
            ["100,000 or more", "top 12.5%", "everybody else"],
            ["10万以上（含）", "前12.5%", "其余客户"],
            id="a_bound_above_a_share",
        ),
        pytest.param(
            "orders_12m", "at_least: 12", "above: 0",
            ["12 or more", "above 0, below 12", "0 or less"],
            ["12以上（含）", "超过0、不满12", "0以下（含）"],
            id="orders",
        ),
        pytest.param(
            "revenue_growth_12m", "above: 0.2", "at_least: 0",
            ["above 20%", "0% or more, 20% or less", "below 0%"],
            ["超过20%", "0%以上（含）、20%以下（含）", "不满0%"],
            id="growth",
        ),
    ],
)  # fmt: skip
def test_lines_as_people_say_them(
    policy_file: Path, measure: str, first: str, second: str, english: list[str], chinese: list[str]
) -> None:
    text = ABC.replace("MEASURE", measure).replace("FIRST", first).replace("SECOND", second)
    policy_file.write_text(text, encoding="utf-8")
    shown = policy.show(policy.load())
    assert [row.rule_en for row in shown] == english
    assert [row.rule_zh for row in shown] == chinese


def test_the_reporting_currency_is_printed_where_a_policy_names_none(policy_file: Path) -> None:
    text = ABC.replace("MEASURE", "net_revenue_12m").replace("FIRST", "above: 2").replace("SECOND", "above: 1")
    policy_file.write_text(text, encoding="utf-8")
    assert {row.currency for row in policy.show(policy.load())} == {"GBP"}
