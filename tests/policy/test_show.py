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


EVERYTHING = """\
everything:
  status: active
  primary: true
  labels: {en: Everything, zh: 全部}
  owner: Sales
  valid_from: 2026-02-01
  measure: net_revenue_12m
  then_by: [tenure_days]
  applies_to: {subject_type: company, region: [North, South]}
  rank_within: region
  eligible: {after_days: 90, otherwise: provisional, minimum_coverage: 0}
  tiers:
    - {tier: chosen, labels: {en: Chosen, zh: 指定}, manual: true}
    - tier: high
      labels: {en: High, zh: 高}
      all: [{above: 500000}, {measure: orders_12m, at_least: 6}, {measure: revenue_growth_12m, top_share: 0.1}]
    - {tier: mid, labels: {en: Mid, zh: 中}, top_share: 0.2, seat_cap: 1000}
    - {tier: low, labels: {en: Low, zh: 低}, otherwise: true}
  stability:
    promotion_band: 0.15
    demotion_band: 0.25
    minimum_stay_days: 90
    maximum_steps_down: 1
    grace_days: 30
    confirm_days: 2
  review_calendar: half-yearly
"""


def test_every_rule_in_words(policy_file: Path) -> None:
    policy_file.write_text(EVERYTHING, encoding="utf-8")
    shown = policy.show(policy.load())
    assert [row.rule_en for row in shown] == [
        "by hand only",
        "net revenue (12 months) above 500,000 and orders (12 months) of 6 or more and top 10% by revenue growth",
        "top 20%; at most 1,000 seats in each region",
        "everybody else",
    ]
    assert [row.rule_zh for row in shown] == [
        "仅由人工指定",
        "近12个月净营收超过50万，且近12个月订单数6以上（含），且营收增长率居前10%",
        "前20%，最多1,000个名额（各组分别计算）",
        "其余客户",
    ]


def test_every_term_in_words(policy_file: Path) -> None:
    policy_file.write_text(EVERYTHING, encoding="utf-8")
    first = policy.show(policy.load())[0]
    assert first.terms_en == [
        "Owner: Sales.",
        "Counts from 1 February 2026 on; the version before stays in force until then.",
        "Only for customers with subject type company and region North or South.",
        "Ranked within each region; customers without one are a group of their own.",
        "Graded 90 days after the first sale, provisional until then.",
        "Customers whose net revenue (12 months) is not known are graded too, below all others.",
        "To rise, a customer must pass the bound by 15% or rank within the first 85% of the seats.",
        "To fall, a customer must miss the bound by 25% or rank beyond 125% of the seats.",
        "A change counts once it has lasted 2 days.",
        "Before a fall there are 30 days of grace.",
        "A tier is not lost within 90 days of getting it.",
        "Nobody falls by more than 1 tier at a time.",
        "Reviewed half-yearly, on 1 January and 1 July.",
    ]
    assert first.terms_zh == [
        "负责人：Sales。",
        "自2026年2月1日起生效，此前沿用上一版本。",
        "仅适用于客户类型为企业、地区为North或South的客户。",
        "按地区分组排名，未填地区的客户自成一组。",
        "首次成交满90天后正式分级，此前为暂列等级。",
        "近12个月净营收未知的客户也参与分级，排在所有客户之后。",
        "晋级须超过分级线15%或排进名额的前85%。",
        "降级须低于分级线25%或排到名额的125%之外。",
        "变动须持续满2天才生效。",
        "降级前另有30天宽限期。",
        "取得等级后90天内不降级。",
        "每次最多降1级。",
        "每半年（1月1日、7月1日）评定。",
    ]


@pytest.mark.parametrize(
    ("calendar", "english", "chinese"),
    [
        ("nightly", "Reviewed every night.", "每晚评定。"),
        ("monthly", "Reviewed monthly, on the 1st.", "每月1日评定。"),
        (
            "quarterly",
            "Reviewed quarterly, on 1 January, April, July and October.",
            "每季度（1月1日、4月1日、7月1日、10月1日）评定。",
        ),
        ("anniversary", "Reviewed once a year, on the day of the first sale.", "每年在首次成交的周年日评定。"),
    ],
)
def test_a_policy_says_when_it_is_reviewed(policy_file: Path, calendar: str, english: str, chinese: str) -> None:
    text = ABC.replace("MEASURE", "net_revenue_12m").replace("FIRST", "above: 2").replace("SECOND", "above: 1")
    policy_file.write_text(text + f"  review_calendar: {calendar}\n", encoding="utf-8")
    first = policy.show(policy.load())[0]
    assert (first.terms_en, first.terms_zh) == ([english], [chinese])


def test_a_tier_given_by_hand_is_no_upper_end(policy_file: Path) -> None:
    text = (
        ABC.replace("MEASURE", "net_revenue_12m").replace("FIRST", "manual: true").replace("SECOND", "at_least: 500000")
    )
    policy_file.write_text(text, encoding="utf-8")
    shown = policy.show(policy.load())
    assert [row.rule_en for row in shown] == ["by hand only", "500,000 or more", "below 500,000"]
    assert [row.rule_zh for row in shown] == ["仅由人工指定", "50万以上（含）", "不满50万"]


def test_below_a_tier_of_several_conditions_is_everybody_else(policy_file: Path) -> None:
    text = ABC.replace("MEASURE", "net_revenue_12m").replace(
        "FIRST", "all: [{at_least: 9}, {measure: orders_12m, above: 1}]"
    )
    policy_file.write_text(text.replace("SECOND", "at_least: 5, seat_cap: 1"), encoding="utf-8")
    shown = policy.show(policy.load())
    assert [row.rule_en for row in shown][1:] == ["5 or more; at most 1 seat", "everybody else"]
    assert [row.rule_zh for row in shown][1:] == ["5以上（含），最多1个名额", "其余客户"]


def test_the_reporting_currency_is_printed_where_a_policy_names_none(policy_file: Path) -> None:
    text = ABC.replace("MEASURE", "net_revenue_12m").replace("FIRST", "above: 2").replace("SECOND", "above: 1")
    policy_file.write_text(text, encoding="utf-8")
    assert {row.currency for row in policy.show(policy.load())} == {"GBP"}


def test_the_shipped_policies_in_words(home: Path) -> None:
    shown = policy.show(policy.load(Path(policy.__file__).parents[3] / "config" / "tier_policies.yml"))
    assert [(row.policy, row.tier, row.rule_en, row.rule_zh) for row in shown] == [
        ("pyramid", "vip", "top 1%", "前1%"),
        ("pyramid", "key", "next 4% (top 5% in all)", "其次4%（累计前5%）"),
        ("pyramid", "regular", "next 15% (top 20% in all)", "其次15%（累计前20%）"),
        ("pyramid", "small", "everybody else", "其余客户"),
        ("abc_by_amount", "A", "above 10,000", "超过1万"),
        ("abc_by_amount", "B", "2,500 or more, 10,000 or less", "2,500以上（含）、1万以下（含）"),
        ("abc_by_amount", "C", "below 2,500", "不满2,500"),
        (
            "high_potential_low",
            "high",
            "net revenue (12 months) of 5,000 or more and orders (12 months) of 6 or more",
            "近12个月净营收5,000以上（含），且近12个月订单数6以上（含）",
        ),
        (
            "high_potential_low",
            "potential",
            "net revenue (12 months) of 1,000 or more and orders (12 months) of 4 or more",
            "近12个月净营收1,000以上（含），且近12个月订单数4以上（含）",
        ),
        ("high_potential_low", "low", "everybody else", "其余客户"),
        ("strategic", "strategic", "by hand only", "仅由人工指定"),
        ("strategic", "important", "5,000 or more", "5,000以上（含）"),
        ("strategic", "ordinary", "below 5,000", "不满5,000"),
        ("three_values", "high", "top 5%", "前5%"),
        ("three_values", "medium", "next 20% (top 25% in all)", "其次20%（累计前25%）"),
        ("three_values", "low", "everybody else", "其余客户"),
        ("credit_points", "excellent", "80 points or more", "80分以上（含）"),
        ("credit_points", "good", "60 points or more, below 80 points", "60分以上（含）、不满80分"),
        ("credit_points", "fair", "30 points or more, below 60 points", "30分以上（含）、不满60分"),
        ("credit_points", "weak", "below 30 points", "不满30分"),
    ]
    terms = next(row for row in shown if row.policy == "three_values")
    assert terms.terms_en[2] == (
        "25% of the value score is the loyalty score: purchase days (12 months) 40% by place among the customers, tenure"
        " 20% by place among the customers, satisfaction 20% by place among the customers, complaints (12 months) 20% by"
        " place among the customers."
    )
    assert (
        terms.terms_zh[1]
        == "潜力得分占价值得分的25%：未来12个月预测价值60%（按占总额比例）、营收增长率40%（按排名百分位）。"
    )
    assert terms.terms_en[3] == "What is not known gives its weight to the rest."
    assert shown[0].terms_en == [
        "Graded 90 days after the first sale, provisional until then.",
        "To rise, a customer must rank within the first 75% of the seats.",
        "To fall, a customer must rank beyond 150% of the seats.",
        "A change counts once it has lasted 2 days.",
        "A tier is not lost within 90 days of getting it.",
        "Nobody falls by more than 1 tier at a time.",
        "Reviewed every night.",
    ]
