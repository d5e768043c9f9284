"""One sentence for each reason and each cause, word for word, as a sales director reads it in either language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tierwise import control, policy

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
    - {tier: regular, labels: {en: Regular, zh: 普通客户}, top_share: 0.20}
    - {tier: small, labels: {en: Small, zh: 小客户}, otherwise: true}
  stability:
    {promotion_band: 0.15, demotion_band: 0.25, minimum_stay_days: 90, maximum_steps_down: 1, confirm_days: 2}
club:
  status: shadow
  labels: {en: Partner club, zh: 合作伙伴俱乐部}
  measure: net_revenue_12m
  eligible: {after_days: 30}
  tiers:
    - {tier: gold, labels: {en: Gold, zh: 金牌}, above: 10000, seat_cap: 40}
    - {tier: silver, labels: {en: Silver, zh: 银牌}, at_least: 2500}
    - {tier: guest, labels: {en: Guest, zh: 普通}, otherwise: true}
  stability: {grace_days: 29}
  review_calendar: quarterly
both:
  status: shadow
  labels: {en: Two measures, zh: 双指标分级}
  measure: net_revenue_12m
  tiers:
    - {tier: high, labels: {en: High, zh: 高级别}, all: [{at_least: 5000}, {measure: orders_12m, at_least: 6}]}
    - {tier: low, labels: {en: Low, zh: 低级别}, otherwise: true}
by_hand:
  status: shadow
  labels: {en: Strategic customers, zh: 战略客户分级}
  measure: net_revenue_12m
  tiers:
    - {tier: strategic, labels: {en: Strategic, zh: 战略客户}, manual: true}
    - {tier: important, labels: {en: Important, zh: 重要客户}, at_least: 5000}
    - {tier: ordinary, labels: {en: Ordinary, zh: 一般客户}, otherwise: true}
"""
AS_OF = date(2011, 12, 9)
LINES = {"vip": "45000.50", "key": "12345.00", "regular": "2000.00", "gold": "10000", "silver": "2500"}

VIP = {
    "policy": "pyramid", "tier": "vip", "tier_rank": 1, "graded": "graded", "measure": "net_revenue_12m", "ranked_customers": 4286,
    "rule_kind": "top_share", "seats": 42, "line_value": "45000.50", "keep_value": "36000.40",
    "next_review_on": "2011-12-10", "first_sale_on": "2010-03-01", "gradable_from": "2010-05-30",
    "reached_tier": "vip",
}  # fmt: skip
KEY = VIP | {
    "tier": "key", "tier_rank": 2, "tier_since": "2011-03-01", "reason": "unchanged", "decision_rows": "9",
    "score": "29411.00", "rank_position": 87, "seats": 214, "line_value": "12345.00", "keep_value": "9876.00",
    "next_tier": "vip", "next_line_value": "51750.58", "gap_up": "22339.58", "gap_down": "19535.00",
    "reached_tier": "key",
}  # fmt: skip
FALLING = KEY | {"score": "9012.40", "rank_position": 302, "gap_up": "42738.18", "gap_down": "0",
                 "reached_tier": "regular", "decision_rows": "7"}  # fmt: skip
RISING = KEY | {"score": "52600.00", "rank_position": 36, "gap_up": "0", "gap_down": "42724.00",
                "reached_tier": "vip", "decision_rows": "6", "clearing_tier": "vip"}  # fmt: skip
SMALL = KEY | {
    "tier": "small", "tier_rank": 4, "score": "410.20", "rank_position": 2950, "rule_kind": "otherwise",
    "seats": None, "line_value": None, "keep_value": None, "next_tier": "regular", "next_line_value": "2300.00",
    "gap_up": "1889.80", "gap_down": None, "reached_tier": "small",
}  # fmt: skip
SILVER = KEY | {
    "policy": "club", "tier": "silver", "rule_kind": "at_least", "bound": "2500", "seats": None, "score": "2310.00",
    "rank_position": 911, "line_value": "2500", "keep_value": "2500", "next_tier": "gold",
    "next_line_value": "10000.01", "gap_up": "7690.01", "gap_down": "0", "reached_tier": "guest",
    "next_review_on": "2012-01-01", "decision_rows": "7",
}  # fmt: skip
ROSE = VIP | {"tier_since": "2011-12-09", "reason": "promoted", "decision_rows": "6", "score": "52600.00",
              "rank_position": 36, "gap_down": "16599.60"}  # fmt: skip
FELL = VIP | {
    "tier": "regular", "tier_rank": 3, "tier_since": "2011-12-09", "reason": "demoted", "decision_rows": "7",
    "score": "9012.40", "rank_position": 302, "seats": 857, "line_value": "2000.00", "keep_value": "1600.00",
    "next_tier": "key", "next_line_value": "14196.75", "gap_up": "5184.35", "gap_down": "7412.40",
    "reached_tier": "regular",
}  # fmt: skip
UP = {"changed_from": "2011-12-08", "from_tier": "key", "to_tier": "vip", "from_graded": "graded", "score": "52600.00",
      "score_before": "44100.00", "line_before": "51750.58", "line_now": "51750.58"}  # fmt: skip
DOWN = {"changed_from": "2011-12-08", "from_tier": "key", "to_tier": "regular", "from_graded": "graded",
        "score": "9012.40", "score_before": "10100.00", "line_before": "9876.00", "line_now": "9876.00"}  # fmt: skip


def mart(name: str, **row: Any) -> dict[str, list[dict[str, Any]]]:
    return {name: [row]}


CASES: dict[str, tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]] = {
    "unchanged": (KEY, {}),
    "unchanged_within_the_stay": (KEY | {"tier_since": "2011-11-01"}, {}),
    "unchanged_in_the_last_tier": (SMALL, {}),
    "reached": (KEY | {"tier_since": "2011-12-09", "reason": "reached", "decision_rows": "5"}, {}),
    "existing": (KEY | {"tier_since": "2011-12-09", "reason": "existing", "decision_rows": "5"}, {}),
    "not_graded": (
        SILVER | {"tier": None, "tier_rank": None, "graded": "not_graded", "reason": "not_graded", "score": "1500",
                  "rank_position": None, "rule_kind": None, "bound": None, "line_value": None, "keep_value": None,
                  "next_tier": None, "next_line_value": None, "gap_up": None, "gap_down": None, "reached_tier": None,
                  "decision_rows": "3", "first_sale_on": "2011-11-20", "gradable_from": "2011-12-20"},
        {},
    ),
    "provisional": (
        KEY | {"graded": "provisional", "reason": "provisional", "decision_rows": "3", "tier_since": "2011-11-20",
               "score": "15000", "rank_position": 190, "next_line_value": "45000.51", "gap_up": "30000.51",
               "gap_down": "5124.00", "first_sale_on": "2011-11-20", "gradable_from": "2012-02-18"},
        {},
    ),
    "held_not_eligible": (
        KEY | {"reason": "held_not_eligible", "decision_rows": "4", "score": None, "rank_position": None,
               "gap_up": None, "gap_down": None, "reached_tier": None},
        {},
    ),
    "held_not_eligible_too_new": (
        KEY | {"reason": "held_not_eligible", "decision_rows": "4", "rank_position": None, "gap_up": None,
               "gap_down": None, "reached_tier": None, "tier_since": "2011-11-20", "first_sale_on": "2011-11-20",
               "gradable_from": "2012-02-18"},
        {},
    ),
    "override": (
        VIP | {"tier_since": "2011-11-01", "reason": "override", "decision_rows": "1", "score": "8020.00",
               "rank_position": 350, "gap_down": "0", "reached_tier": "regular"},
        mart("rpt_tier_overrides", tier="vip", author="li.ming", reason="Signed a three-year framework contract.",
             starts_on="2011-11-01", ends_on="2012-06-30", known_on="2011-11-01", status="in_force"),
    ),
    "override_of_a_tier_held_before": (
        KEY | {"reason": "override", "decision_rows": "1", "score": "14020.00", "rank_position": 190,
               "gap_down": "4144.00"},
        mart("rpt_tier_overrides", tier="key", author="li.ming", reason="Moves its warehouse this winter",
             starts_on="2011-11-01", ends_on="2012-06-30", known_on="2011-11-01", status="in_force"),
    ),
    "override_open": (
        {**KEY, "policy": "by_hand", "tier": "strategic", "tier_rank": 1, "tier_since": "2011-11-01",
         "reason": "override", "decision_rows": "1", "rule_kind": "manual", "seats": None, "line_value": None,
         "keep_value": None, "next_tier": None, "next_line_value": None, "gap_up": None, "gap_down": None,
         "reached_tier": "important"},
        mart("rpt_tier_overrides", tier="strategic", author="wang.fang", reason="重点行业标杆客户",
             starts_on="2011-11-01", known_on="2011-11-01", status="in_force"),
    ),
    "override_ended": (
        KEY | {"tier_since": "2011-12-09", "reason": "override_ended", "decision_rows": "2"},
        mart("rpt_tier_overrides", tier="vip", author="li.ming", reason="Fair", starts_on="2011-11-01",
             ends_on="2011-12-08", known_on="2011-11-01", status="expired"),
    ),
    "promoted_behaviour": (
        ROSE | {"cause": "behaviour"},
        mart("fct_tier_changes", **UP, part_own_behaviour="9120.00", part_left_window="-620.00"),
    ),
    "promoted_others_moved": (
        ROSE | {"cause": "others_moved"},
        mart("fct_tier_changes", **UP | {"score_before": "52600.00", "line_before": "54020.10"}),
    ),
    "promoted_policy_changed": (
        ROSE | {"cause": "policy_changed"},
        mart("fct_tier_changes", **UP | {"score_before": "52600.00", "line_before": "60000.00"}),
    ),
    "promoted_data_corrected": (
        ROSE | {"cause": "data_corrected"},
        mart("fct_tier_changes", **UP, part_corrected_data="9000.00", part_left_window="-500.00"),
    ),
    "demoted_behaviour": (
        FELL | {"cause": "behaviour"},
        mart("fct_tier_changes", **DOWN, part_own_behaviour="-900.00", part_left_window="-187.60"),
    ),
    "demoted_as_older_business_no_longer_counts": (
        FELL | {"cause": "behaviour"},
        mart("fct_tier_changes", **DOWN, part_own_behaviour="312.40", part_left_window="-1400.00"),
    ),
    "demoted_others_moved": (
        FELL | {"cause": "others_moved"},
        mart("fct_tier_changes", **DOWN | {"score_before": "9012.40", "line_before": "8950.00"}),
    ),
    "demoted_policy_changed": (
        FELL | {"cause": "policy_changed"},
        mart("fct_tier_changes", **DOWN | {"score_before": "9012.40", "line_before": "8000.00"}),
    ),
    "demoted_data_corrected": (
        FELL | {"cause": "data_corrected"},
        mart("fct_tier_changes", **DOWN, part_corrected_data="-1087.60"),
    ),
    "demoted_limited_by_steps": (
        FELL | {"cause": "behaviour", "is_limited_by_steps": True, "score": "820.00", "rank_position": 2300,
                "gap_up": "13376.75", "gap_down": "0", "reached_tier": "small"},
        mart("fct_tier_changes", **DOWN | {"score": "820.00"}, part_left_window="-9280.00"),
    ),
    "held_by_confirmation_up": (
        RISING | {"reason": "held_by_confirmation", "clearing_since": "2011-12-09", "earliest_change_on": "2011-12-10"},
        {},
    ),
    "held_by_confirmation_down": (
        FALLING | {"reason": "held_by_confirmation", "missing_since": "2011-12-09", "earliest_change_on": "2011-12-10"},
        {},
    ),
    "held_by_grace": (
        SILVER | {"reason": "held_by_grace", "missing_since": "2011-11-28", "earliest_change_on": "2011-12-27"},
        {},
    ),
    "held_by_stay": (
        FALLING | {"reason": "held_by_stay", "tier_since": "2011-10-10", "missing_since": "2011-12-01",
                   "earliest_change_on": "2012-01-08"},
        {},
    ),
    "held_by_calendar_up": (
        SILVER | {"reason": "held_by_calendar", "decision_rows": "6", "score": "11200.00", "rank_position": 52,
                  "clearing_tier": "gold", "clearing_since": "2011-11-15", "gap_up": "0", "gap_down": "8700.00",
                  "earliest_change_on": "2011-12-10", "reached_tier": "gold"},
        {},
    ),
    "held_by_calendar_down": (
        SILVER | {"reason": "held_by_calendar", "missing_since": "2011-10-20", "earliest_change_on": "2011-12-10"},
        {},
    ),
    "held_by_band_up": (
        KEY | {"reason": "held_by_band", "decision_rows": "8", "score": "47000.00", "rank_position": 39,
               "gap_up": "4750.58", "gap_down": "37124.00", "reached_tier": "vip"},
        {},
    ),
    "held_by_band_down": (
        KEY | {"reason": "held_by_band", "decision_rows": "8", "score": "11000.00", "rank_position": 233,
               "gap_up": "40750.58", "gap_down": "1124.00", "reached_tier": "regular"},
        {},
    ),
    "held_by_band_level_with_others": (
        KEY | {"reason": "held_by_band", "decision_rows": "8", "score": "12345.00", "rank_position": 215,
               "gap_up": "39405.58", "gap_down": "2469.00", "reached_tier": "regular"},
        {},
    ),
    "waiting_for_seat": (
        SILVER | {"reason": "waiting_for_seat", "decision_rows": "6,10", "wanted_tier": "gold", "score": "11200.00",
                  "rank_position": 52, "clearing_tier": "gold", "clearing_since": "2011-09-15", "gap_up": "0",
                  "gap_down": "8700.00", "reached_tier": "gold"},
        mart("rpt_tier_waiting_list", kind="waiting_for_seat", wanted_tier="gold", place_in_queue=3),
    ),
    "left_population": (
        {"policy": "pyramid"},
        {
            "tier_history": [{"tier": "key", "graded": "graded", "valid_from": "2011-03-01", "valid_to": "2011-12-05",
                              "reason": "reached"}],
            "fct_tier_changes": [{"as_of": "2011-12-06", "from_tier": "key", "from_graded": "graded",
                                  "to_graded": "not_graded", "reason": "left_population"}],
        },
    ),
    "two_measures": (
        KEY | {"policy": "both", "tier": "low", "tier_rank": 2, "score": "7300.00", "rule_kind": "otherwise",
               "seats": None, "line_value": None, "keep_value": None, "next_tier": "high", "next_line_value": None,
               "gap_up": None, "gap_down": None, "reached_tier": "low"},
        mart("fct_customer_value", as_of=AS_OF, net_revenue_12m="7300.00", orders_12m=4),
    ),
}  # fmt: skip

NUMBERS = {case: str(number) for number, case in enumerate(CASES, start=17801)}

SAID = {
    "unchanged": (
        (
            "Customer shop:17801 has been Key since 1 March 2011 (Value pyramid): "
            "with net revenue (12 months) of £29,411 it ranks 87 of 4,286; "
            "it rises to VIP (top 1%) at £51,750.58 (£22,339.58 more) and loses Key below £9,876 (£19,535 less); "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17801 自2011年3月1日起为大客户（客户价值金字塔）："
            "近12个月净营收为£2.94万，在4,286名客户中排第87位；"
            "达到£5.18万（再增加£2.24万）可升为VIP客户（前1%）；"
            "低于£9,876（减少£1.95万）将失去大客户等级；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "unchanged_within_the_stay": (
        (
            "Customer shop:17802 has been Key since 1 November 2011 (Value pyramid): "
            "with net revenue (12 months) of £29,411 it ranks 87 of 4,286; "
            "it rises to VIP (top 1%) at £51,750.58 (£22,339.58 more) and loses Key below £9,876 (£19,535 less), though not before 30 January 2012; "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17802 自2011年11月1日起为大客户（客户价值金字塔）："
            "近12个月净营收为£2.94万，在4,286名客户中排第87位；"
            "达到£5.18万（再增加£2.24万）可升为VIP客户（前1%）；"
            "低于£9,876（减少£1.95万）将失去大客户等级（保级期至2012年1月29日）；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "unchanged_in_the_last_tier": (
        (
            "Customer shop:17803 has been Small since 1 March 2011 (Value pyramid): "
            "with net revenue (12 months) of £410.20 it ranks 2,950 of 4,286; "
            "it rises to Regular (top 20%) at £2,300 (£1,889.80 more); "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17803 自2011年3月1日起为小客户（客户价值金字塔）："
            "近12个月净营收为£410.20，在4,286名客户中排第2,950位；"
            "达到£2,300（再增加£1,889.80）可升为普通客户（前20%）；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "reached": (
        (
            "Customer shop:17804 became Key on 9 December 2011 (Value pyramid): "
            "with net revenue (12 months) of £29,411 it ranks 87 of 4,286; "
            "it rises to VIP (top 1%) at £51,750.58 (£22,339.58 more) and loses Key below £9,876 (£19,535 less), though not before 8 March 2012; "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17804 于2011年12月9日评为大客户（客户价值金字塔）："
            "近12个月净营收为£2.94万，在4,286名客户中排第87位；"
            "达到£5.18万（再增加£2.24万）可升为VIP客户（前1%）；"
            "低于£9,876（减少£1.95万）将失去大客户等级（保级期至2012年3月7日）；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "existing": (
        (
            "Customer shop:17805 starts as Key on 9 December 2011, the tier it held before this policy began (Value pyramid): "
            "with net revenue (12 months) of £29,411 it ranks 87 of 4,286; "
            "it rises to VIP (top 1%) at £51,750.58 (£22,339.58 more) and loses Key below £9,876 (£19,535 less), though not before 8 March 2012; "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17805 于2011年12月9日沿用规则启用前的大客户等级（客户价值金字塔）："
            "近12个月净营收为£2.94万，在4,286名客户中排第87位；"
            "达到£5.18万（再增加£2.24万）可升为VIP客户（前1%）；"
            "低于£9,876（减少£1.95万）将失去大客户等级（保级期至2012年3月7日）；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "not_graded": (
        (
            "Customer shop:17806 is not graded (Partner club): "
            "it can be graded from 20 December 2011 on; "
            "so far it has net revenue (12 months) of £1,500; "
            "next review on 1 January 2012."
        ),
        (
            "客户 shop:17806 暂不参与分级（合作伙伴俱乐部）："
            "自2011年12月20日起可正式分级；"
            "近12个月净营收为£1,500；"
            "下次评定：2012年1月1日。"
        ),
    ),
    "provisional": (
        (
            "Customer shop:17807 has been provisionally Key since 20 November 2011 (Value pyramid): "
            "it can be graded from 18 February 2012 on; "
            "with net revenue (12 months) of £15,000 it would rank 190 of 4,286; "
            "it rises to VIP (top 1%) at £45,000.51 (£30,000.51 more) and loses Key below £12,345 (£2,655 less); "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17807 自2011年11月20日起暂列大客户（客户价值金字塔）："
            "自2012年2月18日起可正式分级；"
            "近12个月净营收为£1.5万，在4,286名客户中相当于排第190位；"
            "达到£4.5万（再增加£3.01万）可升为VIP客户（前1%）；"
            "低于£1.23万（减少£2,655）将失去大客户等级；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "held_not_eligible": (
        (
            "Customer shop:17808 has kept Key since 1 March 2011 (Value pyramid): "
            "nothing is known of its net revenue (12 months), so it cannot be graded today and keeps what it held; "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17808 自2011年3月1日起为大客户，等级暂不变动（客户价值金字塔）："
            "近12个月净营收未知，今日无法评定，保留原等级；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "held_not_eligible_too_new": (
        (
            "Customer shop:17809 has kept Key since 20 November 2011 (Value pyramid): "
            "it can be graded from 18 February 2012 on and keeps Key until then; "
            "so far it has net revenue (12 months) of £29,411; "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17809 自2011年11月20日起为大客户，等级暂不变动（客户价值金字塔）："
            "自2012年2月18日起可正式分级，此前保留大客户等级；"
            "近12个月净营收为£2.94万；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "override": (
        (
            "Customer shop:17810 has been VIP since 1 November 2011 by decision of li.ming, until 30 June 2012 (Value pyramid): "
            "with net revenue (12 months) of £8,020 (rank 350 of 4,286) it would by itself be Regular, £36,980.50 short of the line of £45,000.50 for VIP (top 1%); "
            "next review on 10 December 2011. "
            'The reason given: "Signed a three-year framework contract".'
        ),
        (
            "客户 shop:17810 自2011年11月1日起由 li.ming 指定为VIP客户，有效期至2012年6月30日（客户价值金字塔）："
            "近12个月净营收为£8,020，在4,286名客户中排第350位，仅按数值应为普通客户，距VIP客户（前1%）的分级线£4.5万还差£3.7万；"
            "下次评定：2011年12月10日。"
            "指定理由：“Signed a three-year framework contract”。"
        ),
    ),
    "override_of_a_tier_held_before": (
        (
            "Customer shop:17811 has been Key since 1 March 2011, from 1 November 2011 on by decision of li.ming, until 30 June 2012 (Value pyramid): "
            "with net revenue (12 months) of £14,020 (rank 190 of 4,286) it would by itself be Key; "
            "next review on 10 December 2011. "
            'The reason given: "Moves its warehouse this winter".'
        ),
        (
            "客户 shop:17811 自2011年3月1日起为大客户，自2011年11月1日起由 li.ming 指定为大客户，有效期至2012年6月30日（客户价值金字塔）："
            "近12个月净营收为£1.4万，在4,286名客户中排第190位，仅按数值应为大客户；"
            "下次评定：2011年12月10日。"
            "指定理由：“Moves its warehouse this winter”。"
        ),
    ),
    "override_open": (
        (
            "Customer shop:17812 has been Strategic since 1 November 2011 by decision of wang.fang, open, with no end date (Strategic customers): "
            "with net revenue (12 months) of £29,411 (rank 87 of 4,286) it would by itself be Important; "
            "next review on 10 December 2011. "
            'The reason given: "重点行业标杆客户".'
        ),
        (
            "客户 shop:17812 自2011年11月1日起由 wang.fang 指定为战略客户，未设截止日期（战略客户分级）："
            "近12个月净营收为£2.94万，在4,286名客户中排第87位，仅按数值应为重要客户；"
            "下次评定：2011年12月10日。"
            "指定理由：“重点行业标杆客户”。"
        ),
    ),
    "override_ended": (
        (
            "Customer shop:17813 has been Key since 9 December 2011, when li.ming's decision ended (Value pyramid): "
            "with net revenue (12 months) of £29,411 it ranks 87 of 4,286; "
            "it rises to VIP (top 1%) at £51,750.58 (£22,339.58 more) and loses Key below £9,876 (£19,535 less), though not before 8 March 2012; "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17813 在 li.ming 的指定结束后，自2011年12月9日起为大客户（客户价值金字塔）："
            "近12个月净营收为£2.94万，在4,286名客户中排第87位；"
            "达到£5.18万（再增加£2.24万）可升为VIP客户（前1%）；"
            "低于£9,876（减少£1.95万）将失去大客户等级（保级期至2012年3月7日）；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "promoted_behaviour": (
        (
            "Customer shop:17814 rose from Key to VIP on 9 December 2011 because its own business grew (Value pyramid): "
            "with net revenue (12 months) of £52,600 (rank 36 of 4,286) it reaches the £51,750.58 that VIP (top 1%) takes; "
            "it loses VIP below £36,000.40 (£16,599.60 less), though not before 8 March 2012; "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) went from £44,100 to £52,600: +£9,120 from its own business, -£620 from older business that no longer counts; "
            "the line stayed at £51,750.58."
        ),
        (
            "客户 shop:17814 因自身业务增长，于2011年12月9日由大客户升为VIP客户（客户价值金字塔）："
            "近12个月净营收为£5.26万，在4,286名客户中排第36位，达到VIP客户（前1%）的升级线£5.18万；"
            "低于£3.6万（减少£1.65万）将失去VIP客户等级（保级期至2012年3月7日）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收由£4.41万变为£5.26万（自身业务+£9,120，早期业务移出统计期-£620）；"
            "升级线保持£5.18万。"
        ),
    ),
    "promoted_others_moved": (
        (
            "Customer shop:17815 rose from Key to VIP on 9 December 2011 because other customers fell back (Value pyramid): "
            "with net revenue (12 months) of £52,600 (rank 36 of 4,286) it reaches the £51,750.58 that VIP (top 1%) takes; "
            "it loses VIP below £36,000.40 (£16,599.60 less), though not before 8 March 2012; "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) stayed at £52,600; "
            "the line went from £54,020.10 to £51,750.58."
        ),
        (
            "客户 shop:17815 因其他客户回落，于2011年12月9日由大客户升为VIP客户（客户价值金字塔）："
            "近12个月净营收为£5.26万，在4,286名客户中排第36位，达到VIP客户（前1%）的升级线£5.18万；"
            "低于£3.6万（减少£1.65万）将失去VIP客户等级（保级期至2012年3月7日）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收保持£5.26万；"
            "升级线由£5.4万变为£5.18万。"
        ),
    ),
    "promoted_policy_changed": (
        (
            "Customer shop:17816 rose from Key to VIP on 9 December 2011 because the policy changed (Value pyramid): "
            "with net revenue (12 months) of £52,600 (rank 36 of 4,286) it reaches the £51,750.58 that VIP (top 1%) takes; "
            "it loses VIP below £36,000.40 (£16,599.60 less), though not before 8 March 2012; "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) stayed at £52,600; "
            "the line went from £60,000 to £51,750.58."
        ),
        (
            "客户 shop:17816 因分级规则调整，于2011年12月9日由大客户升为VIP客户（客户价值金字塔）："
            "近12个月净营收为£5.26万，在4,286名客户中排第36位，达到VIP客户（前1%）的升级线£5.18万；"
            "低于£3.6万（减少£1.65万）将失去VIP客户等级（保级期至2012年3月7日）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收保持£5.26万；"
            "升级线由£6万变为£5.18万。"
        ),
    ),
    "promoted_data_corrected": (
        (
            "Customer shop:17817 rose from Key to VIP on 9 December 2011 because its records were corrected (Value pyramid): "
            "with net revenue (12 months) of £52,600 (rank 36 of 4,286) it reaches the £51,750.58 that VIP (top 1%) takes; "
            "it loses VIP below £36,000.40 (£16,599.60 less), though not before 8 March 2012; "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) went from £44,100 to £52,600: +£9,000 from corrected records, -£500 from older business that no longer counts; "
            "the line stayed at £51,750.58."
        ),
        (
            "客户 shop:17817 因数据更正，于2011年12月9日由大客户升为VIP客户（客户价值金字塔）："
            "近12个月净营收为£5.26万，在4,286名客户中排第36位，达到VIP客户（前1%）的升级线£5.18万；"
            "低于£3.6万（减少£1.65万）将失去VIP客户等级（保级期至2012年3月7日）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收由£4.41万变为£5.26万（数据更正+£9,000，早期业务移出统计期-£500）；"
            "升级线保持£5.18万。"
        ),
    ),
    "demoted_behaviour": (
        (
            "Customer shop:17818 fell from Key to Regular on 9 December 2011 because its own business shrank (Value pyramid): "
            "with net revenue (12 months) of £9,012.40 (rank 302 of 4,286) it is £863.60 below the £9,876 that keeps Key; "
            "it rises to Key (top 5%) at £14,196.75 (£5,184.35 more); "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) went from £10,100 to £9,012.40: -£900 from its own business, -£187.60 from older business that no longer counts; "
            "the line stayed at £9,876."
        ),
        (
            "客户 shop:17818 因自身业务下滑，于2011年12月9日由大客户降为普通客户（客户价值金字塔）："
            "近12个月净营收为£9,012.40，在4,286名客户中排第302位，低于大客户的保级线£9,876（相差£863.60）；"
            "达到£1.42万（再增加£5,184.35）可升为大客户（前5%）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收由£1.01万变为£9,012.40（自身业务-£900，早期业务移出统计期-£187.60）；"
            "保级线保持£9,876。"
        ),
    ),
    "demoted_as_older_business_no_longer_counts": (
        (
            "Customer shop:17819 fell from Key to Regular on 9 December 2011 because older business no longer counts (Value pyramid): "
            "with net revenue (12 months) of £9,012.40 (rank 302 of 4,286) it is £863.60 below the £9,876 that keeps Key; "
            "it rises to Key (top 5%) at £14,196.75 (£5,184.35 more); "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) went from £10,100 to £9,012.40: -£1,400 from older business that no longer counts, +£312.40 from its own business; "
            "the line stayed at £9,876."
        ),
        (
            "客户 shop:17819 因早期业务移出统计期，于2011年12月9日由大客户降为普通客户（客户价值金字塔）："
            "近12个月净营收为£9,012.40，在4,286名客户中排第302位，低于大客户的保级线£9,876（相差£863.60）；"
            "达到£1.42万（再增加£5,184.35）可升为大客户（前5%）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收由£1.01万变为£9,012.40（早期业务移出统计期-£1,400，自身业务+£312.40）；"
            "保级线保持£9,876。"
        ),
    ),
    "demoted_others_moved": (
        (
            "Customer shop:17820 fell from Key to Regular on 9 December 2011 because other customers moved ahead (Value pyramid): "
            "with net revenue (12 months) of £9,012.40 (rank 302 of 4,286) it is £863.60 below the £9,876 that keeps Key; "
            "it rises to Key (top 5%) at £14,196.75 (£5,184.35 more); "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) stayed at £9,012.40; "
            "the line went from £8,950 to £9,876."
        ),
        (
            "客户 shop:17820 因被其他客户赶超，于2011年12月9日由大客户降为普通客户（客户价值金字塔）："
            "近12个月净营收为£9,012.40，在4,286名客户中排第302位，低于大客户的保级线£9,876（相差£863.60）；"
            "达到£1.42万（再增加£5,184.35）可升为大客户（前5%）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收保持£9,012.40；"
            "保级线由£8,950变为£9,876。"
        ),
    ),
    "demoted_policy_changed": (
        (
            "Customer shop:17821 fell from Key to Regular on 9 December 2011 because the policy changed (Value pyramid): "
            "with net revenue (12 months) of £9,012.40 (rank 302 of 4,286) it is £863.60 below the £9,876 that keeps Key; "
            "it rises to Key (top 5%) at £14,196.75 (£5,184.35 more); "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) stayed at £9,012.40; "
            "the line went from £8,000 to £9,876."
        ),
        (
            "客户 shop:17821 因分级规则调整，于2011年12月9日由大客户降为普通客户（客户价值金字塔）："
            "近12个月净营收为£9,012.40，在4,286名客户中排第302位，低于大客户的保级线£9,876（相差£863.60）；"
            "达到£1.42万（再增加£5,184.35）可升为大客户（前5%）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收保持£9,012.40；"
            "保级线由£8,000变为£9,876。"
        ),
    ),
    "demoted_data_corrected": (
        (
            "Customer shop:17822 fell from Key to Regular on 9 December 2011 because its records were corrected (Value pyramid): "
            "with net revenue (12 months) of £9,012.40 (rank 302 of 4,286) it is £863.60 below the £9,876 that keeps Key; "
            "it rises to Key (top 5%) at £14,196.75 (£5,184.35 more); "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) went from £10,100 to £9,012.40: -£1,087.60 from corrected records; "
            "the line stayed at £9,876."
        ),
        (
            "客户 shop:17822 因数据更正，于2011年12月9日由大客户降为普通客户（客户价值金字塔）："
            "近12个月净营收为£9,012.40，在4,286名客户中排第302位，低于大客户的保级线£9,876（相差£863.60）；"
            "达到£1.42万（再增加£5,184.35）可升为大客户（前5%）；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收由£1.01万变为£9,012.40（数据更正-£1,087.60）；"
            "保级线保持£9,876。"
        ),
    ),
    "demoted_limited_by_steps": (
        (
            "Customer shop:17823 fell from Key to Regular on 9 December 2011 because older business no longer counts (Value pyramid): "
            "with net revenue (12 months) of £820 (rank 2,300 of 4,286) it is £9,056 below the £9,876 that keeps Key; "
            "by itself that would make it Small, but it falls one tier at a time; "
            "next review on 10 December 2011. "
            "Since 8 December 2011 its net revenue (12 months) went from £10,100 to £820: -£9,280 from older business that no longer counts; "
            "the line stayed at £9,876."
        ),
        (
            "客户 shop:17823 因早期业务移出统计期，于2011年12月9日由大客户降为普通客户（客户价值金字塔）："
            "近12个月净营收为£820，在4,286名客户中排第2,300位，低于大客户的保级线£9,876（相差£9,056），仅按数值应为小客户，但每次最多降1级；"
            "下次评定：2011年12月10日。"
            "自2011年12月8日以来，近12个月净营收由£1.01万变为£820（早期业务移出统计期-£9,280）；"
            "保级线保持£9,876。"
        ),
    ),
    "held_by_confirmation_up": (
        (
            "Customer shop:17824 has kept Key since 1 March 2011 (Value pyramid): "
            "with net revenue (12 months) of £52,600 (rank 36 of 4,286) it is £849.42 past the £51,750.58 that VIP (top 1%) takes, since 9 December 2011, day 1 of the 2 it must last; "
            "it can rise at the next review, on 10 December 2011."
        ),
        (
            "客户 shop:17824 自2011年3月1日起为大客户，等级暂不变动（客户价值金字塔）："
            "近12个月净营收为£5.26万，在4,286名客户中排第36位，自2011年12月9日起已达到VIP客户（前1%）的升级线£5.18万（超出£849.42），须持续满2天（今日为第1天），最早于下次评定时升级；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "held_by_confirmation_down": (
        (
            "Customer shop:17825 has kept Key since 1 March 2011 (Value pyramid): "
            "with net revenue (12 months) of £9,012.40 (rank 302 of 4,286) it is £863.60 below the £9,876 that keeps Key, since 9 December 2011, day 1 of the 2 it must last; "
            "it can fall at the next review, on 10 December 2011."
        ),
        (
            "客户 shop:17825 自2011年3月1日起为大客户，等级暂不变动（客户价值金字塔）："
            "近12个月净营收为£9,012.40，在4,286名客户中排第302位，自2011年12月9日起低于大客户的保级线£9,876（相差£863.60），须持续满2天（今日为第1天），最早于下次评定时降级；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "held_by_grace": (
        (
            "Customer shop:17826 has kept Silver since 1 March 2011 (Partner club): "
            "with net revenue (12 months) of £2,310 (rank 911 of 4,286) it is £190 below the £2,500 that keeps Silver, since 28 November 2011, day 12 of 30 days of grace; "
            "it can fall at the next review, on 1 January 2012."
        ),
        (
            "客户 shop:17826 自2011年3月1日起为银牌，等级暂不变动（合作伙伴俱乐部）："
            "近12个月净营收为£2,310，在4,286名客户中排第911位，自2011年11月28日起低于银牌的保级线£2,500（相差£190），仍在30天宽限期内（今日为第12天），最早于下次评定时降级；"
            "下次评定：2012年1月1日。"
        ),
    ),
    "held_by_stay": (
        (
            "Customer shop:17827 has kept Key since 10 October 2011 (Value pyramid): "
            "with net revenue (12 months) of £9,012.40 (rank 302 of 4,286) it is £863.60 below the £9,876 that keeps Key, since 1 December 2011, but Key is protected until 7 January 2012; "
            "it can fall on 8 January 2012; "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17827 自2011年10月10日起为大客户，等级暂不变动（客户价值金字塔）："
            "近12个月净营收为£9,012.40，在4,286名客户中排第302位，自2011年12月1日起低于大客户的保级线£9,876（相差£863.60），但保级期至2012年1月7日，最早于2012年1月8日降级；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "held_by_calendar_up": (
        (
            "Customer shop:17828 has kept Silver since 1 March 2011 (Partner club): "
            "with net revenue (12 months) of £11,200 (rank 52 of 4,286) it is £1,199.99 past the £10,000.01 that Gold takes, since 15 November 2011; "
            "tiers move at reviews only, and it rises at the next one, on 1 January 2012, if nothing changes."
        ),
        (
            "客户 shop:17828 自2011年3月1日起为银牌，等级暂不变动（合作伙伴俱乐部）："
            "近12个月净营收为£1.12万，在4,286名客户中排第52位，自2011年11月15日起已达到金牌的升级线£10,000.01（超出£1,199.99），但等级只在评定日调整，如无变化将于下次评定时升级；"
            "下次评定：2012年1月1日。"
        ),
    ),
    "held_by_calendar_down": (
        (
            "Customer shop:17829 has kept Silver since 1 March 2011 (Partner club): "
            "with net revenue (12 months) of £2,310 (rank 911 of 4,286) it is £190 below the £2,500 that keeps Silver, since 20 October 2011; "
            "tiers move at reviews only, and it falls at the next one, on 1 January 2012, if nothing changes."
        ),
        (
            "客户 shop:17829 自2011年3月1日起为银牌，等级暂不变动（合作伙伴俱乐部）："
            "近12个月净营收为£2,310，在4,286名客户中排第911位，自2011年10月20日起低于银牌的保级线£2,500（相差£190），但等级只在评定日调整，如无变化将于下次评定时降级；"
            "下次评定：2012年1月1日。"
        ),
    ),
    "held_by_band_up": (
        (
            "Customer shop:17830 has kept Key since 1 March 2011 (Value pyramid): "
            "with net revenue (12 months) of £47,000 (rank 39 of 4,286) it is past the line of £45,000.50 for VIP, but not clearly enough to rise; "
            "it rises to VIP (top 1%) at £51,750.58 (£4,750.58 more); "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17830 自2011年3月1日起为大客户，等级暂不变动（客户价值金字塔）："
            "近12个月净营收为£4.7万，在4,286名客户中排第39位，虽已达到VIP客户的分级线£4.5万，但超出幅度不足，暂不升级；"
            "达到£5.18万（再增加£4,750.58）可升为VIP客户（前1%）；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "held_by_band_down": (
        (
            "Customer shop:17831 has kept Key since 1 March 2011 (Value pyramid): "
            "with net revenue (12 months) of £11,000 (rank 233 of 4,286) it is below the line of £12,345 for Key, but not by enough to lose it; "
            "it loses Key below £9,876 (£1,124 less); "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17831 自2011年3月1日起为大客户，等级暂不变动（客户价值金字塔）："
            "近12个月净营收为£1.1万，在4,286名客户中排第233位，虽低于大客户的分级线£1.23万，但未跌破保级线，暂不降级；"
            "低于£9,876（减少£1,124）将失去大客户等级；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "held_by_band_level_with_others": (
        (
            "Customer shop:17832 has kept Key since 1 March 2011 (Value pyramid): "
            "with net revenue (12 months) of £12,345 (rank 215 of 4,286) it ties for the last seat of Key, and who holds a seat keeps it; "
            "it loses Key below £9,876 (£2,469 less); "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17832 自2011年3月1日起为大客户，等级暂不变动（客户价值金字塔）："
            "近12个月净营收为£1.23万，在4,286名客户中排第215位，与大客户最后一个名额的客户持平，已有等级者予以保留；"
            "低于£9,876（减少£2,469）将失去大客户等级；"
            "下次评定：2011年12月10日。"
        ),
    ),
    "waiting_for_seat": (
        (
            "Customer shop:17833 has been Silver since 1 March 2011 and waits for a seat as Gold, number 3 in the queue (Partner club): "
            "with net revenue (12 months) of £11,200 (rank 52 of 4,286) it is £1,199.99 past the £10,000.01 that Gold takes, but all its seats are taken; "
            "next review on 1 January 2012."
        ),
        (
            "客户 shop:17833 自2011年3月1日起为银牌，正在候补金牌名额，排第3位（合作伙伴俱乐部）："
            "近12个月净营收为£1.12万，在4,286名客户中排第52位，已达到金牌的升级线£10,000.01（超出£1,199.99），但名额已满；"
            "下次评定：2012年1月1日。"
        ),
    ),
    "left_population": (
        (
            "Customer shop:17834 is no longer among the customers of this policy since 6 December 2011 (Value pyramid); "
            "it was Key before."
        ),
        "客户 shop:17834 自2011年12月6日起不再属于评定范围（客户价值金字塔），此前为大客户。",
    ),
    "two_measures": (
        (
            "Customer shop:17835 has been Low since 1 March 2011 (Two measures): "
            "with net revenue (12 months) of £7,300 and orders (12 months) of 4 it ranks 87 of 4,286; "
            "High takes net revenue (12 months) of £5,000 or more and orders (12 months) of 6 or more; "
            "next review on 10 December 2011."
        ),
        (
            "客户 shop:17835 自2011年3月1日起为低级别（双指标分级）："
            "近12个月净营收为£7,300、近12个月订单数为4，在4,286名客户中排第87位；"
            "升为高级别须近12个月净营收达到£5,000，且近12个月订单数达到6；"
            "下次评定：2011年12月10日。"
        ),
    ),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, policy.Explanation]]:
    """What is said of every case, each of which is a customer of one release."""
    home = tmp_path_factory.mktemp("home")
    (home / "config").mkdir()
    (home / "config" / "company.yml").write_text(COMPANY, encoding="utf-8")
    (home / "config" / "tier_policies.yml").write_text(POLICIES, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIERWISE_HOME", str(home))
        patch.delenv("TIERWISE_CONTROL_URL", raising=False)
        control.begin_run("night", "night", [AS_OF], None, control.pointer().counter)
        adopted = {p.name: p for p in policy.adopt("night")}
        laid.lay(home / "var" / "release", _marts(adopted))
        yield {case: policy.why(NUMBERS[case], policy=row["policy"]) for case, (row, _) in CASES.items()}


def _marts(adopted: dict[str, policy.Policy]) -> dict[str, list[dict[str, Any]]]:
    marts: dict[str, list[dict[str, Any]]] = {
        "rpt_tier_summary": [
            {"as_of": AS_OF, "policy": p.name, "policy_version": p.version, "tier": t.tier, "line_value": LINES.get(t.tier)}
            for p in adopted.values() for t in p.tiers
        ],
        "dim_customer_ids": [{"source": "shop", "customer_id": number, "customer_key": case} for case, number in NUMBERS.items()],
        "tier_explanations": [],
    }  # fmt: skip
    for case, (row, others) in CASES.items():
        decided = {"policy": row["policy"], "policy_version": adopted[row["policy"]].version, "customer_key": case}
        today = decided | {"as_of": AS_OF}
        if "tier" in row:
            marts["tier_explanations"].append(today | row)
        of_the_day = {name: row.get(name) for name in ("reason", "cause")} | today
        for mart, several in others.items():
            known = {"tier_history": decided, "fct_tier_changes": of_the_day}.get(mart, today)
            asked = laid.MARTS[mart]
            marts.setdefault(mart, []).extend(
                {name: value for name, value in (known | one).items() if name in asked} for one in several
            )
    return marts


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_in_each_language(told: dict[str, policy.Explanation], case: str) -> None:
    assert (told[case].sentence_en, told[case].sentence_zh) == SAID[case]


def test_every_reason_but_the_guards_and_every_cause_is_told(told: dict[str, policy.Explanation]) -> None:
    assert {e.reason for e in told.values()} == {
        "override", "override_ended", "not_graded", "provisional", "held_not_eligible", "existing", "reached",
        "promoted", "demoted", "held_by_confirmation", "held_by_grace", "held_by_stay", "held_by_calendar",
        "held_by_band", "unchanged", "waiting_for_seat", "left_population",
    }  # fmt: skip
    assert {(e.reason, e.cause) for e in told.values() if e.cause} == {
        (reason, cause)
        for reason in ("promoted", "demoted")
        for cause in ("behaviour", "others_moved", "policy_changed", "data_corrected")
    }


def test_no_sentence_is_longer_than_sixty_words(told: dict[str, policy.Explanation]) -> None:
    for case, e in told.items():
        for sentence in re.split(r"(?<=[.\"]) (?=Since|The reason)", e.sentence_en):
            assert len(sentence.split()) <= 60, f"{case}: {sentence}"


def test_the_parts_are_told_biggest_first_and_only_where_something_moved(told: dict[str, policy.Explanation]) -> None:
    said = told["demoted_as_older_business_no_longer_counts"].sentence_en
    assert said.index("-£1,400 from older business") < said.index("+£312.40 from its own business")
    assert "corrected" not in said


def test_everybody_is_told_at_once_as_one_by_one(told: dict[str, policy.Explanation]) -> None:
    at_once = {e.customer: (e.sentence_en, e.sentence_zh) for e in policy.explanations()}
    assert at_once == {
        f"shop:{e.customer.removeprefix('shop:')}": (e.sentence_en, e.sentence_zh)
        for e in told.values()
        if e.reason != "left_population"
    }
    assert {e.policy for e in policy.explanations("club")} == {"club"}
