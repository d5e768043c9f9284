"""What `why` finds about one customer: the numbers, the lines at their edges, the past as it was decided, the history."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.cells import cell_len
from typer.testing import CliRunner

from tierwise import control, policy
from tierwise.cli import app
from tierwise.errors import ConfigurationRefused

from . import laid
from .conftest import COMPANY

POLICIES = """\
pyramid:
  status: active
  primary: true
  labels: {en: Value pyramid, zh: 客户价值金字塔}
  measure: net_revenue_12m
  then_by: [orders_12m, tenure_days]
  eligible: {after_days: 90, otherwise: provisional}
  tiers:
    - {tier: vip, labels: {en: VIP, zh: VIP客户}, top_share: 0.01}
    - {tier: key, labels: {en: Key, zh: 大客户}, top_share: 0.05}
    - {tier: small, labels: {en: Small, zh: 小客户}, otherwise: true}
abc:
  status: shadow
  labels: {en: ABC by amount, zh: 金额ABC分级}
  measure: net_revenue_12m
  eligible: {after_days: 30}
  tiers:
    - {tier: A, labels: {en: A, zh: A类}, above: 500000}
    - {tier: B, labels: {en: B, zh: B类}, at_least: 2500}
    - {tier: C, labels: {en: C, zh: C类}, otherwise: true}
by_orders:
  status: shadow
  labels: {en: By orders, zh: 订单数分级}
  measure: orders_12m
  then_by: [tenure_days]
  tiers:
    - {tier: best, labels: {en: Best, zh: 尖子}, top_share: 0.01}
    - {tier: rest, labels: {en: Rest, zh: 其他}, otherwise: true}
"""
AS_OF = date(2011, 12, 9)


ABC = {"tier": "B", "tier_rank": 2, "graded": "graded", "reason": "unchanged", "decision_rows": "9",
       "tier_since": "2011-05-02", "ranked_customers": 4296, "rule_kind": "at_least", "bound": "2500",
       "line_value": "2500", "keep_value": "2500", "next_tier": "A", "next_line_value": "500000.01",
       "reached_tier": "B"}  # fmt: skip
PYRAMID = {"tier": "small", "tier_rank": 3, "graded": "graded", "reason": "unchanged", "decision_rows": "9",
           "tier_since": "2011-06-01", "ranked_customers": 4286, "rule_kind": "otherwise", "next_tier": "key",
           "next_line_value": "12345.01", "reached_tier": "small"}  # fmt: skip
TIERS: list[tuple[str, str, dict[str, Any]]] = [
    ("pyramid", "k-key", PYRAMID | {
        "tier": "key", "tier_rank": 2, "tier_since": "2011-03-01", "cause": "behaviour", "score": "29411.00",
        "rank_position": 87, "rule_kind": "top_share", "share": "0.05", "seats": 214, "line_value": "12345.00",
        "keep_value": "12345.00", "next_tier": "vip", "next_line_value": "45000.51", "gap_up": "15589.51",
        "gap_down": "17066.00", "reached_tier": "key", "runner_up_key": "k-small", "runner_up_score": "410.20",
        "score_before": "29000.00", "part_own_behaviour": "500.00", "part_left_window": "-89.00",
        "part_policy": 0, "first_sale_on": "2010-12-01", "gradable_from": "2011-03-01", "orders_12m": 34,
        "refunds_12m": 2}),
    ("pyramid", "k-vip", PYRAMID | {
        "tier": "vip", "tier_rank": 1, "tier_since": "2011-12-09", "reason": "reached", "score": "123456.78",
        "rank_position": 3, "rule_kind": "top_share", "seats": 42, "line_value": "45000.50", "keep_value": "45000.50",
        "next_tier": None, "next_line_value": None, "gap_down": "78456.28", "reached_tier": "vip"}),
    ("pyramid", "k-returned", PYRAMID | {"score": "-12.50", "rank_position": 4288, "gap_up": "12357.51"}),
    ("pyramid", "k-tie", PYRAMID | {"score": "12345.00", "rank_position": 216, "gap_up": "0.01"}),
    ("pyramid", "k-null", PYRAMID | {
        "graded": "provisional", "reason": "provisional", "decision_rows": "3", "tier_since": "2011-11-01",
        "rank_position": 4291}),
    ("abc", "k-edge", ABC | {"score": "499999.99", "rank_position": 2, "gap_up": "0.02", "gap_down": "497499.99"}),
    ("abc", "k-vip", ABC | {
        "tier": "A", "tier_rank": 1, "score": "1234567.00", "rank_position": 1, "rule_kind": "above",
        "bound": "500000", "line_value": "500000", "keep_value": "500000", "next_tier": None, "next_line_value": None,
        "gap_down": "734567.00", "reached_tier": "A"}),
    ("abc", "k-small", ABC | {"score": "2500.00", "rank_position": 900, "gap_up": "497500.01", "gap_down": "0.00"}),
    ("abc", "k-null", ABC | {
        "tier": None, "tier_rank": None, "graded": "not_graded", "reason": "not_graded", "decision_rows": "3",
        "rule_kind": None, "bound": None, "line_value": None, "keep_value": None, "next_tier": None,
        "next_line_value": None, "reached_tier": None}),
    ("by_orders", "k-key", PYRAMID | {
        "tier": "rest", "tier_rank": 2, "tier_since": "2011-03-01", "ranked_customers": 60, "score": "31",
        "rank_position": 1, "next_tier": "best", "next_line_value": None, "reached_tier": "rest"}),
]  # fmt: skip
LINES = {"vip": "45000.50", "key": "12345.00", "A": "500000", "B": "2500"}

IDS = [
    ("shop", "17850", "k-key"),
    ("desk", "K-9", "k-key"),
    ("shop", "14646", "k-vip"),
    ("shop", "12347", "k-small"),
    ("shop", "12348", "k-returned"),
    ("shop", "12349", "k-tie"),
    ("shop", "18000", "k-new"),
    ("shop", "18001", "k-null"),
    ("shop", "15000", "k-edge"),
    ("desk", "12347", "k-other"),
    ("shop", "99999", "k-prospect"),
    ("shop", "16000", "k-left"),
]

# policy, customer_key, tier, graded, valid_from, valid_to, reason, cause
HISTORY = [
    ("pyramid", "k-key", "small", "provisional", "2010-12-10", "2011-01-09", "provisional", None),
    ("pyramid", "k-key", "small", "graded", "2011-01-10", "2011-02-28", "reached", None),
    ("pyramid", "k-key", "key", "graded", "2011-03-01", None, "promoted", "behaviour"),
    ("pyramid", "k-left", "key", "graded", "2011-03-01", "2011-03-31", "reached", None),
    ("pyramid", "k-left", "small", "graded", "2011-06-01", "2011-07-31", "reached", None),
    ("by_orders", "k-key", "rest", "graded", "2011-01-01", "2011-01-31", "reached", None),
    ("by_orders", "k-key", "rest", "graded", "2011-03-01", None, "reached", None),
    ("abc", "k-new", None, "not_graded", "2011-11-20", None, "not_graded", None),
    ("abc", "k-edge", "A", "graded", "2011-05-02", "2011-08-01", "override", None),
    ("abc", "k-edge", "B", "graded", "2011-08-02", None, "override_ended", None),
]
CHANGES = [
    {
        "policy": "pyramid", "customer_key": "k-key", "as_of": "2011-03-01", "from_tier": "small", "to_tier": "key",
        "reason": "promoted", "cause": "behaviour", "changed_from": "2011-02-27", "score_before": "9000.00",
        "score": "15000.00", "line_before": "12000.00", "line_now": "12100.50", "part_own_behaviour": "6200.00",
        "part_left_window": "-200.00",
    },
    {
        "policy": "pyramid", "customer_key": "k-left", "as_of": "2011-04-01", "from_tier": "key",
        "reason": "left_population",
    },
    {
        "policy": "pyramid", "customer_key": "k-left", "as_of": "2011-06-01", "to_tier": "small", "reason": "reached",
        "changed_from": "2011-06-01", "score": "310.00",
    },
]  # fmt: skip
OVERRIDE = {
    "policy": "abc", "customer_key": "k-edge", "tier": "A", "reason": "Opens the north for us", "author": "li.ming",
    "starts_on": "2011-05-02", "ends_on": "2011-08-01", "known_on": "2011-05-02", "status": "expired",
}  # fmt: skip


@pytest.fixture(scope="module")
def laid_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of a dozen customers, laid by hand."""
    home = tmp_path_factory.mktemp("home")
    (home / "config").mkdir()
    (home / "config" / "company.yml").write_text(COMPANY, encoding="utf-8")
    (home / "config" / "tier_policies.yml").write_text(POLICIES, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIERWISE_HOME", str(home))
        patch.delenv("TIERWISE_CONTROL_URL", raising=False)
        _lay(home)
    return home


@pytest.fixture
def release(laid_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIERWISE_HOME", str(laid_home))
    monkeypatch.delenv("TIERWISE_CONTROL_URL", raising=False)
    return laid_home


@pytest.fixture
def own_release(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, for a test that changes something; its policy file."""
    shutil.copytree(release, tmp_path / "home")
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "config" / "tier_policies.yml"


def _lay(home: Path) -> None:
    control.begin_run("night", "night", [AS_OF], None, control.pointer().counter)
    policies = {p.name: p for p in policy.adopt("night")}
    history = ("policy", "customer_key", "tier", "graded", "valid_from", "valid_to", "reason", "cause")
    of_a_policy = {name: {"policy": name, "policy_version": p.version} for name, p in policies.items()}
    laid.lay(
        home / "var" / "release",
        {
            "dim_customer_ids": [dict(zip(("source", "customer_id", "customer_key"), row, strict=True)) for row in IDS],
            "rpt_tier_summary": [
                of_a_policy[p.name] | {"as_of": AS_OF, "tier": t.tier, "line_value": LINES.get(t.tier)}
                for p in policies.values()
                for t in p.tiers
            ],
            "tier_explanations": [
                of_a_policy[name] | {"as_of": AS_OF, "customer_key": key, "next_review_on": "2011-12-10"} | row
                for name, key, row in TIERS
            ],
            "tier_history": [of_a_policy[row[0]] | dict(zip(history, row, strict=True)) for row in HISTORY],
            "fct_tier_changes": [of_a_policy[row["policy"]] | row for row in CHANGES],
            "rpt_tier_overrides": [OVERRIDE],
        },
    )


SENTENCES = [
    pytest.param(
        "shop:17850",
        "pyramid",
        "Customer shop:17850 has been Key since 1 March 2011 (Value pyramid): "
        "with net revenue (12 months) of £29,411 it ranks 87 of 4,286; "
        "it rises to VIP (top 1%) at £45,000.51 (£15,589.51 more) and loses Key below £12,345 (£17,066 less); "
        "next review on 10 December 2011.",
        "客户 shop:17850 自2011年3月1日起为大客户（客户价值金字塔）："
        "近12个月净营收为£2.94万，在4,286名客户中排第87位；"
        "达到£4.5万（再增加£1.56万）可升为VIP客户（前1%）；"
        "低于£1.23万（减少£1.7万）将失去大客户等级；"
        "下次评定：2011年12月10日。",
        id="between_two_lines",
    ),
    pytest.param(
        "shop:14646",
        "pyramid",
        "Customer shop:14646 became VIP on 9 December 2011 (Value pyramid): "
        "with net revenue (12 months) of £123,456.78 it ranks 3 of 4,286; "
        "there is no tier above; "
        "it loses VIP below £45,000.50 (£78,456.28 less); "
        "next review on 10 December 2011.",
        "客户 shop:14646 于2011年12月9日评为VIP客户（客户价值金字塔）："
        "近12个月净营收为£12.35万，在4,286名客户中排第3位；"
        "已是最高等级；"
        "低于£4.5万（减少£7.84万）将失去VIP客户等级；"
        "下次评定：2011年12月10日。",
        id="top_tier_has_no_gap_up",
    ),
    pytest.param(
        "shop:12348",
        "pyramid",
        "Customer shop:12348 has been Small since 1 June 2011 (Value pyramid): "
        "with net revenue (12 months) of -£12.50 it ranks 4,288, behind all 4,286 customers above 0; "
        "it rises to Key (top 5%) at £12,345.01 (£12,357.51 more); "
        "next review on 10 December 2011.",
        "客户 shop:12348 自2011年6月1日起为小客户（客户价值金字塔）："
        "近12个月净营收为-£12.50，排第4,288位，在4,286名数值为正的客户之后；"
        "达到£1.23万（再增加£1.24万）可升为大客户（前5%）；"
        "下次评定：2011年12月10日。",
        id="more_refunds_than_sales",
    ),
    pytest.param(
        "shop:12349",
        "pyramid",
        "Customer shop:12349 has been Small since 1 June 2011 (Value pyramid): "
        "with net revenue (12 months) of £12,345 it ranks 216 of 4,286; "
        "it rises to Key (top 5%) at £12,345.01 (£0.01 more); "
        "next review on 10 December 2011.",
        "客户 shop:12349 自2011年6月1日起为小客户（客户价值金字塔）："
        "近12个月净营收为£12,345，在4,286名客户中排第216位；"
        "达到£12,345.01（再增加£0.01）可升为大客户（前5%）；"
        "下次评定：2011年12月10日。",
        id="a_tie_that_does_not_fit_the_seats",
    ),
    pytest.param(
        "shop:18001",
        "pyramid",
        "Customer shop:18001 has been provisionally Small since 1 November 2011 (Value pyramid): "
        "nothing is known of its net revenue (12 months), so it cannot be graded; "
        "next review on 10 December 2011.",
        "客户 shop:18001 自2011年11月1日起暂列小客户（客户价值金字塔）："
        "近12个月净营收未知，因此无法正式分级；"
        "下次评定：2011年12月10日。",
        id="provisional_with_a_null_measure",
    ),
    pytest.param(
        "shop:15000",
        "abc",
        "Customer shop:15000 has been B since 2 May 2011 (ABC by amount): "
        "with net revenue (12 months) of £499,999.99 it ranks 2 of 4,296; "
        "it rises to A at £500,000.01 (£0.02 more) and loses B below £2,500 (£497,499.99 less); "
        "next review on 10 December 2011.",
        "客户 shop:15000 自2011年5月2日起为B类（金额ABC分级）："
        "近12个月净营收为£499,999.99，在4,296名客户中排第2位；"
        "达到£500,000.01（再增加£0.02）可升为A类；"
        "低于£2,500（减少£49.74万）将失去B类等级；"
        "下次评定：2011年12月10日。",
        id="a_penny_below_half_a_million",
    ),
    pytest.param(
        "shop:14646",
        "abc",
        "Customer shop:14646 has been A since 2 May 2011 (ABC by amount): "
        "with net revenue (12 months) of £1,234,567 it ranks 1 of 4,296; "
        "there is no tier above; "
        "it loses A at £500,000 or less (£734,567 less); "
        "next review on 10 December 2011.",
        "客户 shop:14646 自2011年5月2日起为A类（金额ABC分级）："
        "近12个月净营收为£123.46万，在4,296名客户中排第1位；"
        "已是最高等级；"
        "降至£50万或以下（减少£73.45万）将失去A类等级；"
        "下次评定：2011年12月10日。",
        id="above_leaves_its_bound_out",
    ),
    pytest.param(
        "shop:12347",
        "abc",
        "Customer shop:12347 has been B since 2 May 2011 (ABC by amount): "
        "with net revenue (12 months) of £2,500 it ranks 900 of 4,296; "
        "it rises to A at £500,000.01 (£497,500.01 more) and loses B below £2,500 (any fall); "
        "next review on 10 December 2011.",
        "客户 shop:12347 自2011年5月2日起为B类（金额ABC分级）："
        "近12个月净营收为£2,500，在4,296名客户中排第900位；"
        "达到£500,000.01（再增加£49.76万）可升为A类；"
        "低于£2,500（稍有减少）将失去B类等级；"
        "下次评定：2011年12月10日。",
        id="exactly_on_the_line",
    ),
    pytest.param(
        "shop:18001",
        "abc",
        "Customer shop:18001 is not graded (ABC by amount): "
        "nothing is known of its net revenue (12 months), so it cannot be graded; "
        "next review on 10 December 2011.",
        "客户 shop:18001 暂不参与分级（金额ABC分级）：近12个月净营收未知，因此无法正式分级；下次评定：2011年12月10日。",
        id="not_graded_null_measure",
    ),
    pytest.param(
        "shop:17850",
        "by_orders",
        "Customer shop:17850 has been Rest since 1 March 2011 (By orders): "
        "with orders (12 months) of 31 it ranks 1 of 60; "
        "it cannot reach Best today, as the top 1% of 60 customers is less than one seat; "
        "next review on 10 December 2011.",
        "客户 shop:17850 自2011年3月1日起为其他（订单数分级）："
        "近12个月订单数为31，在60名客户中排第1位；"
        "今日无法升为尖子（60名客户的1%不足一个名额）；"
        "下次评定：2011年12月10日。",
        id="a_tier_without_seats",
    ),
]


@pytest.mark.parametrize(("customer", "name", "english", "chinese"), SENTENCES)
def test_at_the_edge_of_a_line(release: Path, customer: str, name: str, english: str, chinese: str) -> None:
    explanation = policy.why(customer, policy=name)
    assert explanation.sentence_en == english
    assert explanation.sentence_zh == chinese


def test_the_numbers_stand_beside_the_sentence(release: Path) -> None:
    e = policy.why("shop:17850")
    assert (e.policy, e.tier, e.tier_rank, e.graded, e.reason) == ("pyramid", "key", 2, "graded", "unchanged")
    assert (e.value, e.gap_up, e.gap_down) == (Decimal("29411.00"), Decimal("15589.51"), Decimal("17066.00"))
    assert (e.rank_position, e.ranked_customers, e.currency, e.unit) == (87, 4286, "GBP", "money")
    assert e.line is not None
    assert e.line_above is not None
    assert (e.line.value, e.line.seats, e.line_above.tier) == (Decimal("12345.00"), 214, "vip")
    assert (e.line.decides_at, e.line_above.decides_at) == (Decimal("12345.00"), Decimal("45000.51"))
    assert (e.runner_up_key, e.runner_up_score) == ("k-small", Decimal("410.20"))
    assert (e.first_sale_on, e.next_review) == (date(2010, 12, 1), date(2011, 12, 10))


def test_the_facts_behind_and_what_moved_since_the_day_before_stand_there_too(release: Path) -> None:
    e = policy.why("shop:17850")
    assert e.facts is not None
    assert (e.facts["orders_12m"], e.facts["refunds_12m"], e.facts["complaints_12m"]) == (34, 2, None)
    assert e.value is not None
    assert e.score_before is not None
    assert e.parts == {"policy": 0, "own_behaviour": Decimal(500), "left_window": Decimal(-89)}
    assert sum(e.parts.values()) == e.value - e.score_before


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("k-key", id="by_key"),
        pytest.param("shop:17850", id="by_source_and_id"),
        pytest.param("desk:K-9", id="by_the_id_of_another_source"),
        pytest.param(" 17850 ", id="by_an_id_that_only_one_customer_has"),
    ],
)
def test_a_customer_is_found(release: Path, asked: str) -> None:
    assert policy.why(asked).customer_key == "k-key"


def test_the_customer_is_called_by_the_name_that_was_asked_for(release: Path) -> None:
    assert policy.why("K-9").sentence_en.startswith("Customer desk:K-9 has been Key")


def test_an_id_of_two_customers_is_asked_back(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="'12347' may be 2 customers: desk:12347, shop:12347") as refused:
        policy.why("12347")
    assert refused.value.exit_code == 2


def test_an_unknown_customer_is_answered_with_the_nearest(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="no customer is called '17851'") as refused:
        policy.why("17851")
    assert refused.value.hint.startswith("the nearest are shop:17850")


def test_quotes_in_a_customer_are_only_letters(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="no customer is called"):
        policy.why("' or 1 = 1 --")


def test_a_prospect_has_no_tier_to_explain(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="shop:99999 has no decision in pyramid"):
        policy.why("99999")


def test_an_unknown_policy_is_answered_with_the_nearest(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="no policy 'pyramide'; did you mean pyramid"):
        policy.why("17850", policy="pyramide")


def test_before_the_first_release_nobody_has_a_tier(home: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="there is no release yet"):
        policy.why("17850")


def test_tomorrow_is_not_decided_yet(release: Path) -> None:
    with pytest.raises(
        ConfigurationRefused, match="2011-12-10 is not decided yet: the current release describes 2011-12-09"
    ):
        policy.why("17850", as_of=date(2011, 12, 10))


PAST = [
    pytest.param(
        "pyramid",
        "shop:17850",
        date(2010, 12, 31),
        "Customer shop:17850 on 31 December 2010, as decided then (Value pyramid): "
        "it was provisionally Small, since 10 December 2010; "
        "its value and the line of that very day are not in the current release.",
        "客户 shop:17850 在2010年12月31日的评定结果（客户价值金字塔，以当时的评定为准）："
        "自2010年12月10日起暂列小客户；"
        "当前发布中没有当日的数值和分级线。",
        id="provisional",
    ),
    pytest.param(
        "pyramid",
        "shop:17850",
        date(2011, 2, 28),
        "Customer shop:17850 on 28 February 2011, as decided then (Value pyramid): "
        "it was Small, since 10 January 2011, when it was graded; "
        "its value and the line of that very day are not in the current release.",
        "客户 shop:17850 在2011年2月28日的评定结果（客户价值金字塔，以当时的评定为准）："
        "于2011年1月10日评为小客户；"
        "当前发布中没有当日的数值和分级线。",
        id="the_last_day_of_an_interval",
    ),
    pytest.param(
        "pyramid",
        "shop:17850",
        date(2011, 3, 1),
        "Customer shop:17850 on 1 March 2011, as decided then (Value pyramid): "
        "it was Key, since 1 March 2011, when it rose from Small because its own business grew. "
        "From 27 February 2011 to 1 March 2011 its net revenue (12 months) went from £9,000 to £15,000: +£6,200 from its own business, -£200 from older business that no longer counts; "
        "the line went from £12,000 to £12,100.50.",
        "客户 shop:17850 在2011年3月1日的评定结果（客户价值金字塔，以当时的评定为准）："
        "因自身业务增长，于2011年3月1日由小客户升为大客户。"
        "2011年2月27日至2011年3月1日，近12个月净营收由£9,000变为£1.5万（自身业务+£6,200，早期业务移出统计期-£200）；"
        "升级线由£1.2万变为£1.21万。",
        id="the_day_of_a_change",
    ),
    pytest.param(
        "pyramid",
        "shop:17850",
        date(2011, 3, 15),
        "Customer shop:17850 on 15 March 2011, as decided then (Value pyramid): "
        "it was Key, since 1 March 2011, when it rose from Small because its own business grew; "
        "its value and the line of that very day are not in the current release. "
        "From 27 February 2011 to 1 March 2011 its net revenue (12 months) went from £9,000 to £15,000: +£6,200 from its own business, -£200 from older business that no longer counts; "
        "the line went from £12,000 to £12,100.50.",
        "客户 shop:17850 在2011年3月15日的评定结果（客户价值金字塔，以当时的评定为准）："
        "因自身业务增长，于2011年3月1日由小客户升为大客户；"
        "当前发布中没有当日的数值和分级线。"
        "2011年2月27日至2011年3月1日，近12个月净营收由£9,000变为£1.5万（自身业务+£6,200，早期业务移出统计期-£200）；"
        "升级线由£1.2万变为£1.21万。",
        id="a_day_after_a_change",
    ),
    pytest.param(
        "pyramid",
        "shop:16000",
        date(2011, 5, 1),
        "Customer shop:16000 on 1 May 2011, as decided then (Value pyramid): "
        "it was no longer among the customers of this policy, since 1 April 2011.",
        "客户 shop:16000 在2011年5月1日的评定结果（客户价值金字塔，以当时的评定为准）："
        "自2011年4月1日起不再属于评定范围。",
        id="who_had_left",
    ),
    pytest.param(
        "pyramid",
        "shop:16000",
        date(2011, 6, 1),
        "Customer shop:16000 on 1 June 2011, as decided then (Value pyramid): "
        "it was Small, since 1 June 2011, when it was graded; "
        "its net revenue (12 months) was £310.",
        "客户 shop:16000 在2011年6月1日的评定结果（客户价值金字塔，以当时的评定为准）："
        "于2011年6月1日评为小客户；"
        "当日近12个月净营收为£310。",
        id="the_day_it_came_back",
    ),
    pytest.param(
        "abc",
        "shop:18000",
        date(2011, 12, 1),
        "Customer shop:18000 on 1 December 2011, as decided then (ABC by amount): "
        "it was not graded, since 20 November 2011; "
        "its value and the line of that very day are not in the current release.",
        "客户 shop:18000 在2011年12月1日的评定结果（金额ABC分级，以当时的评定为准）："
        "自2011年11月20日起未参与分级；"
        "当前发布中没有当日的数值和分级线。",
        id="not_graded_back_then",
    ),
    pytest.param(
        "abc",
        "shop:15000",
        date(2011, 6, 1),
        "Customer shop:15000 on 1 June 2011, as decided then (ABC by amount): "
        "it was A, since 2 May 2011, by decision of li.ming; "
        "its value and the line of that very day are not in the current release.",
        "客户 shop:15000 在2011年6月1日的评定结果（金额ABC分级，以当时的评定为准）："
        "自2011年5月2日起由 li.ming 指定为A类；"
        "当前发布中没有当日的数值和分级线。",
        id="by_decision_of_a_person",
    ),
    pytest.param(
        "abc",
        "shop:15000",
        date(2011, 9, 1),
        "Customer shop:15000 on 1 September 2011, as decided then (ABC by amount): "
        "it was B, since 2 August 2011, when a person's decision ended; "
        "its value and the line of that very day are not in the current release.",
        "客户 shop:15000 在2011年9月1日的评定结果（金额ABC分级，以当时的评定为准）："
        "在人工的指定结束后，自2011年8月2日起为B类；"
        "当前发布中没有当日的数值和分级线。",
        id="after_that_decision",
    ),
]


@pytest.mark.parametrize(("name", "customer", "as_of", "english", "chinese"), PAST)
def test_a_past_day_is_told_as_decided(
    release: Path, name: str, customer: str, as_of: date, english: str, chinese: str
) -> None:
    explanation = policy.why(customer, policy=name, as_of=as_of)
    assert (explanation.sentence_en, explanation.sentence_zh) == (english, chinese)
    assert (explanation.value, explanation.line, explanation.next_review) == (None, None, None)


def test_the_parts_of_a_past_change_sum_to_it(release: Path) -> None:
    change = policy.why("17850", as_of=date(2011, 3, 15)).change
    assert change is not None
    assert change.score is not None
    assert change.score_before is not None
    assert sum(change.parts.values()) == change.score - change.score_before


def test_a_day_on_which_a_policy_paused_has_no_tier(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="no tier of shop:17850 in by_orders was in force on 2011-02-10"):
        policy.why("17850", policy="by_orders", as_of=date(2011, 2, 10))


def test_a_day_before_the_first_decision_has_no_tier(release: Path) -> None:
    with pytest.raises(
        ConfigurationRefused, match="no tier of shop:17850 in pyramid was in force on 2010-12-01"
    ) as refused:
        policy.why("17850", as_of=date(2010, 12, 1))
    assert refused.value.hint == "the first decision about them is of 2010-12-10"


def test_a_policy_changed_since_is_explained_as_it_was_decided(own_release: Path) -> None:
    before = policy.why("17850").sentence_en
    own_release.write_text(POLICIES.replace("top_share: 0.05", "top_share: 0.10").replace("en: Key", "en: Major"))
    assert policy.why("17850").sentence_en == before


def test_a_policy_retired_since_is_still_explained(own_release: Path) -> None:
    own_release.unlink()
    assert policy.why("17850").tier == "key"


# --- the history ----------------------------------------------------------------------------------------------------


def test_the_history_is_a_line_with_the_reason_of_each_step(release: Path) -> None:
    history = policy.why("17850").history
    assert policy.drawn(history, "en") == [
        "Small (provisional) 2010-12-10 ──▶ Small 2011-01-10 ──▶ Key since 2011-03-01",
        "too new to be graded               graded               rose: own business",
    ]
    assert policy.drawn(history, "zh") == [
        "小客户（暂列） 2010-12-10 ──▶ 小客户 2011-01-10 ──▶ 大客户 自2011-03-01起",
        "暂不满足评定条件              首次评定              升级：自身业务",
    ]


def test_who_left_and_came_back_shows_the_days_without_a_tier(release: Path) -> None:
    assert policy.drawn(policy.why("16000").history, "en") == [
        "Key 2011-03-01 ──▶ — 2011-04-01    ──▶ Small 2011-06-01 ──▶ — since 2011-08-01",
        "graded             left the policy     graded               left the policy",
    ]


def test_a_pause_of_the_policy_is_no_leaving(release: Path) -> None:
    steps = policy.why("17850", policy="by_orders").history
    assert [(step.reason, step.valid_from, step.valid_to) for step in steps] == [
        ("reached", date(2011, 1, 1), date(2011, 1, 31)),
        ("policy_paused", date(2011, 2, 1), date(2011, 2, 28)),
        ("reached", date(2011, 3, 1), None),
    ]


def test_the_history_of_a_past_day_ends_with_it(release: Path) -> None:
    steps = policy.why("17850", as_of=date(2011, 2, 1)).history
    assert [(step.tier, step.graded, step.valid_to) for step in steps] == [
        ("small", "provisional", date(2011, 1, 9)),
        ("small", "graded", None),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_long_history_stays_within_eighty_columns(release: Path, language: policy.Language) -> None:
    lines = policy.drawn(policy.why("17850").history * 4, language)
    assert len(lines) > 4
    assert max(map(cell_len, lines)) <= 80
    assert not [line for line in lines if re.search(r"\s$", line)]


# --- the command ----------------------------------------------------------------------------------------------------


def _asked(*words: str) -> Result:
    return CliRunner().invoke(app, ["why", *words], catch_exceptions=False)


def test_the_command_says_the_sentences_then_the_history_then_the_numbers(own_release: Path) -> None:
    explanation = policy.why("17850")
    english, chinese, blank, tiers, reasons, *numbers = _asked("17850").stdout.splitlines()
    assert (english, chinese, blank) == (explanation.sentence_en, explanation.sentence_zh, "")
    assert [tiers, reasons] == policy.drawn(explanation.history, "en")
    assert "line.decides_at\t12345" in numbers
    assert "facts.orders_12m\t34" in numbers
    assert "parts.left_window\t-89" in numbers


def test_the_history_is_in_the_first_language_of_the_company(own_release: Path) -> None:
    (own_release.parent / "company.yml").write_text(COMPANY + "languages: [zh, en]\n", encoding="utf-8")
    said = _asked("17850").stdout.splitlines()
    assert said[3:5] == policy.drawn(policy.why("17850").history, "zh")


def test_brief_is_the_sentences_alone(own_release: Path) -> None:
    assert len(_asked("17850", "--brief").stdout.splitlines()) == 2


def test_machines_get_the_history_as_a_list(own_release: Path) -> None:
    said = json.loads(_asked("17850", "--json").stdout)
    assert [(step["tier"], step["valid_from"], step["valid_to"]) for step in said["history"]] == [
        ("small", "2010-12-10", "2011-01-09"),
        ("small", "2011-01-10", "2011-02-28"),
        ("key", "2011-03-01", None),
    ]
    assert said["gap_up"] == "15589.5100"
    assert json.loads(_asked("17850", "--as-of", "2011-03-01", "--json").stdout)["change"]["from_tier"] == "small"
