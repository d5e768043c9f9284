"""A policy file that is not meant, or cannot be carried out, is answered with the line and with what to write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise import policy
from tierwise.errors import ConfigurationRefused
from tierwise.policy import checks
from tierwise.policy.catalogue import Measure
from tierwise.policy.grammar import PolicyEntry

GOOD = """\
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
  currency: GBP
  labels: {en: ABC, zh: ABC分级}
  measure: net_revenue_12m
  tiers:
    - {tier: A, labels: {en: A, zh: A类}, above: 10000}
    - {tier: B, labels: {en: B, zh: B类}, at_least: 5000}
    - {tier: C, labels: {en: C, zh: C类}, otherwise: true}
"""

NUMBERS = [
    ("thousands_separator", "above: 10000", "above: '10,000'", 18, ["'10,000'", "write 10000"]),
    ("thousands_without_quotes", "at_least: 5000}", "at_least: 5 000}", 19, ["'5 000'", "write 5000"]),
    ("k_for_thousand", "at_least: 5000", "at_least: 5k", 19, ["'5k'", "write 5000"]),
    ("wan_for_ten_thousand", "above: 10000", "above: 1.5万", 18, ["write 15000"]),
    ("currency_sign", "above: 10000", "above: £10000", 18, ["write 10000"]),
    ("decimal_comma", "top_share: 0.01", "top_share: '0,01'", 9, ["write 0.01"]),
    ("quoted_number", "at_least: 5000", "at_least: '5000'", 19, ["write 5000 without quotes"]),
    ("exponent", "above: 10000", "above: 1e4", 18, ["`1e4`", "write a plain one"]),
    ("exponent_with_a_point", "above: 10000", "above: 1.5e4", 18, ["1.5e+4", "write 15000"]),
    ("leading_zero", "at_least: 5000", "at_least: 05000", 19, ["05000", "5000"]),
    ("a_time_of_day", "at_least: 5000", "at_least: 12:30", 19, ["'12:30' is not a plain number"]),
    ("not_a_number", "at_least: 5000", "at_least: .nan", 19, [".nan"]),
    ("the_word_nan", "at_least: 5000", "at_least: NaN", 19, ["NaN"]),
    ("infinity", "above: 10000", "above: .inf", 18, [".inf"]),
    ("beyond_every_measure", "above: 10000", "above: 1e308", 18, ["1e308"]),
    ("wider_than_the_column", "above: 10000", "above: 100000000000000", 18, ["larger than any measure"]),
    ("finer_than_any_measure", "at_least: 5000", "at_least: 5000.00001", 19, ["more than 4 decimals"]),
    ("no_number", "at_least: 5000", "at_least: ", 19, ["the number is missing"]),
    ("yes_for_a_bound", "at_least: 5000", "at_least: true", 19, ["not a plain number"]),
    ("percent_sign", "top_share: 0.05", "top_share: 95%", 10, ["'95%'", "write 0.95"]),
    ("one_for_one_percent", "top_share: 0.01", "top_share: 1", 9, ["1 % is written 0.01", "above: 0"]),
    ("five_for_five_percent", "top_share: 0.05", "top_share: 5", 10, ["5 % is written 0.05"]),
    ("hundred_and_one_percent", "top_share: 0.05", "top_share: 101", 10, ["101 % is written 1.01"]),
    ("share_of_nobody", "top_share: 0.01", "top_share: 0", 9, ["takes nobody"]),
    ("negative_share", "top_share: 0.01", "top_share: -0.01", 9, ["-0.01 is below 0"]),
    ("share_too_fine", "top_share: 0.01", "top_share: 0.00000000001", 9, ["more than 10 decimals"]),
    ("negative_days", "after_days: 90", "after_days: -1", 7, ["write a whole number from 0"]),
    ("half_a_day", "after_days: 90", "after_days: 0.5", 7, ["write a whole number from 0"]),
    ("days_as_a_duration", "after_days: 90", "after_days: 3 months", 7, ["'3 months'"]),
]

LINES = [
    (
        "bounds_that_do_not_fall",
        "at_least: 5000",
        "at_least: 20000",
        19,
        ["A above 10000", "B at_least 20000", "put the higher bound first"],
    ),
    ("the_same_bound_twice", "at_least: 5000", "above: 10000", 19, ["A above 10000 leaves nobody for B above 10000"]),
    (
        "nothing_between_two_bounds",
        "at_least: 5000",
        "at_least: 10000.01",
        19,
        ["A above 10000", "B at_least 10000.01"],
    ),
    ("shares_that_shrink", "top_share: 0.05", "top_share: 0.005", 10, ["vip top_share 0.01", "key top_share 0.005"]),
    ("equal_shares", "top_share: 0.05", "top_share: 0.01", 10, ["leaves nobody for key", "such as 0.02"]),
    (
        "a_share_below_everybody",
        "top_share: 0.01}",
        "above: 0}",
        10,
        ["vip above 0 has taken them all", "put key above it"],
    ),
    (
        "nobody_is_left_over",
        ", otherwise: true}\nabc",
        ", top_share: 0.2}\nabc",
        11,
        ["the last tier, small", "otherwise: true"],
    ),
    (
        "otherwise_in_the_middle",
        "top_share: 0.05",
        "otherwise: true",
        10,
        ["key takes everybody", "nobody reaches small"],
    ),
    ("otherwise_false", "otherwise: true}\nabc", "otherwise: false}\nabc", 11, ["write `otherwise: true`"]),
    ("a_tier_without_a_rule", ", top_share: 0.05", "", 10, ["key has no rule", "at_least"]),
    (
        "a_tier_with_two_rules",
        "top_share: 0.05",
        "top_share: 0.05, at_least: 9",
        10,
        ["top_share: 0.05 and at_least: 9", "keep one"],
    ),
    ("no_tiers", "  tiers:\n    - {tier: A", "  tiers: []\n  x:\n    - {tier: A", 17, ["abc.tiers"]),
]

NAMES = [
    (
        "misspelt_key",
        "measure: net_revenue_12m\n  then_by",
        "mesure: net_revenue_12m\n  then_by",
        5,
        ["did you mean `measure`"],
    ),
    ("misspelt_rule", "top_share: 0.05", "top_shares: 0.05", 10, ["`top_shares`", "did you mean `top_share`"]),
    ("key_twice", "  status: shadow", "  status: shadow\n  status: active", 14, ["`status`", "second time"]),
    ("policy_twice", "abc:", "pyramid:", 12, ["`pyramid`", "first in line 1"]),
    ("tier_twice", "tier: key", "tier: vip", 10, ["the tier vip stands here a second time"]),
    ("tiers_that_look_alike", "tier: key", "tier: VIP", 10, ["vip and VIP look alike"]),
    ("one_tier_in_two_normal_forms", "tier: key", "tier: ｖｉｐ", 10, ["look alike"]),
    ("unknown_status", "status: shadow", "status: shadwo", 13, ["active, shadow, retired", "did you mean `shadow`"]),
    ("yaml_yes", "primary: true", "primary: yes", 3, ["true or false"]),
    ("policy_name_with_spaces", "abc:", "ABC Rule:", 12, ["'ABC Rule'", "small letters"]),
    ("tier_name_of_26_letters", "tier: key", f"tier: {'k' * 26}", 10, ["26 characters", "at most 25"]),
    ("tier_name_with_a_leading_space", "tier: key", "tier: ' key'", 10, ["begins or ends with a space", "write 'key'"]),
    ("spreadsheet_formula", "tier: key", "tier: '=Gold'", 10, ["spreadsheet formula", "write 'Gold'"]),
    ("invisible_character", "tier: key", 'tier: "ke\\u200by"', 10, ["invisible character"]),
    ("empty_name", "tier: key", "tier: ''", 10, ["the tier name is empty"]),
    ("number_for_a_name", "tier: key", "tier: 1", 10, ["put it in quotes, such as '1'"]),
    ("jinja_in_a_label", "en: ABC,", "en: \"{{ env_var('X') }}\",", 15, ["looks like code"]),
    ("sql_in_a_label", "en: ABC,", 'en: "\'; drop table x",', 15, ["looks like code"]),
    ("sql_in_a_tier_name", "tier: key", 'tier: "key\' or 1"', 10, ["a quote or a bracket"]),
    ("label_in_one_language", "{en: ABC, zh: ABC分级}", "{en: ABC}", 15, ["`zh` is missing"]),
    ("then_by_without_brackets", "[orders_12m, tenure_days]", "orders_12m", 6, ["write [orders_12m]"]),
    ("object_tag", "status: shadow", "status: !!python/object:os.system x", 13, ["tag"]),
    ("merge_key", "abc:\n", "abc:\n  <<: {status: shadow}\n", 13, ["`<<`"]),
]

MEASURES = [
    (
        "misspelt_measure",
        "measure: net_revenue_12m\n  then_by",
        "measure: net_revenu_12m\n  then_by",
        5,
        ["did you mean net_revenue_12m", "Known are", "gross_profit_12m"],
    ),
    (
        "misspelt_then_by",
        "[orders_12m, tenure_days]",
        "[orders_12m, tenur_days]",
        6,
        ["did you mean tenure_days"],
    ),
    (
        "less_is_better",
        "measure: net_revenue_12m\n  then_by",
        "measure: days_since_last_purchase\n  then_by",
        5,
        ["of days_since_last_purchase less is better"],
    ),
    ("less_is_better_in_then_by", "tenure_days]", "complaints_12m]", 6, ["of complaints_12m less is better"]),
    ("the_measure_again_in_then_by", "tenure_days]", "net_revenue_12m]", 6, ["net_revenue_12m is named twice"]),
    ("other_currency", "currency: GBP", "currency: CNY", 14, ["in CNY", "reports in GBP", "not supported yet"]),
    ("no_such_currency", "currency: GBP", "currency: RMB", 14, ["did you mean CNY"]),
]

PRIMARIES = [
    ("no_primary", "  primary: true\n", "", 1, ["no active policy is primary", "pyramid"]),
    ("two_primaries", "status: shadow", "status: active\n  primary: true", 14, ["pyramid and abc are both primary"]),
    (
        "shadow_primary",
        "status: shadow",
        "status: shadow\n  primary: true",
        14,
        ["abc is shadow and cannot be primary"],
    ),
    ("retired_primary", "status: active", "status: retired", 3, ["pyramid is retired and cannot be primary"]),
]

CONDITIONS = [
    ("all_without_conditions", "at_least: 5000", "all: []", 19, ["all is empty", "`otherwise: true`"]),
    ("all_left_empty", "at_least: 5000", "all: ", 19, ["all is a list of conditions"]),
    ("all_without_brackets", "at_least: 5000", "all: {at_least: 5}", 19, ["all is a list", "[{at_least: 5000}, "]),
    ("all_true", "at_least: 5000", "all: true", 19, ["all is a list of conditions"]),
    (
        "a_condition_without_a_line",
        "at_least: 5000",
        "all: [{measure: orders_12m}]",
        19,
        ["no line", "top_share, above"],
    ),
    (
        "a_condition_with_two_lines",
        "at_least: 5000",
        "all: [{at_least: 5, above: 4}]",
        19,
        ["2 lines, above: 4 and at_least: 5", "make each a condition"],
    ),
    ("misspelt_condition", "at_least: 5000", "all: [{at_lest: 5}]", 19, ["`at_lest`", "did you mean `at_least`"]),
    ("otherwise_as_a_condition", "at_least: 5000", "all: [{otherwise: true}]", 19, ["`otherwise` is unknown"]),
    ("all_within_all", "at_least: 5000", "all: [{all: [{at_least: 5}]}]", 19, ["the key `all` is unknown"]),
    ("a_number_as_a_condition", "at_least: 5000", "all: [5000]", 19, ["keys with values were expected"]),
    (
        "a_bound_of_a_condition_as_text",
        "at_least: 5000",
        "all: [{measure: orders_12m, at_least: '5,000'}]",
        19,
        ["write 5000"],
    ),
    ("a_share_of_a_condition_in_percent", "at_least: 5000", "all: [{top_share: 5}]", 19, ["5 % is written 0.05"]),
    (
        "a_misspelt_measure_of_a_condition",
        "at_least: 5000",
        "all: [{measure: order_12m, at_least: 4}]",
        19,
        ["there is no measure order_12m", "did you mean orders_12m"],
    ),
    (
        "less_is_better_in_a_condition",
        "at_least: 5000",
        "all: [{measure: complaints_12m, at_least: 4}]",
        19,
        ["of complaints_12m less is better"],
    ),
    (
        "a_weighted_score_as_a_condition",
        "at_least: 5000",
        "all: [{measure: {score: {loyalty: 1}}, at_least: 4}]",
        19,
        ["a measure is named; write value_score"],
    ),
    (
        "a_condition_that_nobody_meets",
        "at_least: 5000",
        "all: [{at_least: 5}, {measure: satisfaction_12m, above: 100}]",
        19,
        ["satisfaction_12m never passes 100", "nobody can reach B above 100"],
    ),
    (
        "a_condition_below_0_on_a_count",
        "at_least: 5000",
        "all: [{at_least: 5}, {measure: orders_12m, at_least: -1}]",
        19,
        ["orders_12m is never below 0, so B at_least -1 says nothing"],
    ),
    (
        "two_bounds_on_one_measure",
        "at_least: 5000",
        "all: [{at_least: 5000}, {measure: net_revenue_12m, above: 3000}]",
        19,
        ["within B, net_revenue_12m above 3000 says nothing beside net_revenue_12m at_least 5000"],
    ),
    (
        "two_bounds_on_one_measure_the_other_way_round",
        "at_least: 5000",
        "all: [{above: 3000}, {at_least: 5000}]",
        19,
        ["within B, net_revenue_12m above 3000 says nothing"],
    ),
    ("a_condition_twice", "at_least: 5000", "all: [{at_least: 5}, {at_least: 5}]", 19, ["says nothing beside"]),
    (
        "two_shares_of_one_measure",
        "at_least: 5000",
        "all: [{top_share: 0.1}, {top_share: 0.2}]",
        19,
        ["net_revenue_12m top_share 0.2 says nothing beside net_revenue_12m top_share 0.1"],
    ),
    (
        "a_share_is_above_0_anyway",
        "at_least: 5000",
        "all: [{top_share: 0.1}, {above: 0}]",
        19,
        ["net_revenue_12m above 0 says nothing beside net_revenue_12m top_share 0.1"],
    ),
    (
        "the_tier_above_asks_for_less_of_the_same",
        "at_least: 5000",
        "all: [{at_least: 20000}, {measure: orders_12m, at_least: 4}]",
        19,
        [
            "whoever reaches B all [net_revenue_12m at_least 20000, orders_12m at_least 4] has reached A above 10000",
            "B would stay empty",
        ],
    ),
    (
        "all_above_a_bound_that_it_includes",
        "top_share: 0.01}",
        (
            "all: [{at_least: 20}, {measure: orders_12m, above: 3}]}\n"
            "    - {tier: mid, labels: Mid, all: [{measure: orders_12m, at_least: 4}, {at_least: 20.5}]}"
        ),
        10,
        ["whoever reaches mid all [orders_12m at_least 4, net_revenue_12m at_least 20.5] has reached vip all"],
    ),
    (
        "a_rule_and_conditions",
        "at_least: 5000",
        "at_least: 5000, all: [{at_least: 9}]",
        19,
        ["at_least: 5000 and all: 1 conditions", "keep one"],
    ),
    (
        "two_rules_that_were_meant_to_hold_both",
        "at_least: 5000",
        "at_least: 5000, top_share: 0.1",
        19,
        ["keep one, or `all: [{top_share: 0.1}, {at_least: 5000}]` if all must hold"],
    ),
    (
        "an_upper_end",
        "at_least: 5000",
        "at_least: 5000, below: 10000",
        19,
        ["a line has no upper end", "remove `below`"],
    ),
    ("at_most", "at_least: 5000", "at_most: 5000", 19, ["a line has no upper end", "remove `at_most`"]),
    ("a_range", "at_least: 5000", "between: [5000, 10000]", 19, ["write the lower bound as `at_least`"]),
    ("a_percentile", "top_share: 0.05", "percentile: 95", 10, ["`top_share: 0.05`"]),
    ("jinja_in_a_bound", "at_least: 5000", "at_least: \"{{ env_var('X') }}\"", 19, ["is not a plain number"]),
]

SEATS = [
    ("no_seats", "top_share: 0.05", "top_share: 0.05, seat_cap: 0", 10, ["a seat_cap of 0 seats nobody", "write 1"]),
    ("fewer_than_no_seats", "top_share: 0.05", "top_share: 0.05, seat_cap: -5", 10, ["a seat_cap of -5 seats nobody"]),
    ("half_a_seat", "top_share: 0.05", "top_share: 0.05, seat_cap: 2.5", 10, ["2.5 is no whole number"]),
    ("seats_as_text", "top_share: 0.05", "top_share: 0.05, seat_cap: '50'", 10, ["write 50 without quotes"]),
    ("seats_left_empty", "top_share: 0.05", "top_share: 0.05, seat_cap: ", 10, ["the number is missing"]),
    (
        "a_wall_without_a_line",
        "top_share: 0.05",
        "seat_cap: 50",
        10,
        ["key has a seat_cap and no line, so nobody could miss it", "write top_share or at_least beside it"],
    ),
    (
        "a_wall_around_the_last_tier",
        "otherwise: true}\nabc",
        "otherwise: true, seat_cap: 50}\nabc",
        11,
        ["small takes everybody who is left; remove its seat_cap"],
    ),
    ("a_wall_around_a_hand", "top_share: 0.05", "manual: true, seat_cap: 9", 10, ["key is given by hand", "remove"]),
    (
        "a_wall_does_not_make_room_for_a_higher_bound",
        "above: 10000}",
        "at_least: 2000, seat_cap: 5}",
        19,
        ["A at_least 2000, and below it B at_least 5000"],
    ),
]

BY_HAND = [
    ("manual_false", "top_share: 0.05", "manual: false", 10, ["write `manual: true`"]),
    ("manual_left_empty", "top_share: 0.05", "manual: ", 10, ["write `manual: true`"]),
    (
        "by_hand_and_by_rule",
        "top_share: 0.05",
        "top_share: 0.05, manual: true",
        10,
        ["top_share: 0.05 and manual: true", "keep one"],
    ),
    (
        "by_hand_and_everybody_else",
        "otherwise: true}\nabc",
        "otherwise: true, manual: true}\nabc",
        11,
        ["manual: true and otherwise: true"],
    ),
    (
        "nobody_is_left_over_by_hand",
        ", otherwise: true}\nabc",
        ", manual: true}\nabc",
        11,
        ["the last tier, small", "otherwise: true"],
    ),
]

WHOM = [
    (
        "no_such_attribute",
        "  status: shadow",
        "  status: shadow\n  applies_to: {regoin: North}",
        14,
        ["`regoin` is unknown", "did you mean `region`"],
    ),
    (
        "applies_to_a_word",
        "  status: shadow",
        "  status: shadow\n  applies_to: company",
        14,
        ["keys with values were expected"],
    ),
    (
        "no_such_subject",
        "  status: shadow",
        "  status: shadow\n  applies_to: {subject_type: companies}",
        14,
        ["it may be company, person", "did you mean `company`"],
    ),
    ("nobody", "  status: shadow", "  status: shadow\n  applies_to: {region: []}", 14, ["nobody is in the policy"]),
    (
        "a_number_for_a_size",
        "  status: shadow",
        "  status: shadow\n  applies_to: {company_size: [50]}",
        14,
        ["put it in quotes, such as '50'"],
    ),
    ("an_empty_value", "  status: shadow", "  status: shadow\n  applies_to: {region: ''}", 14, ["'' is empty"]),
    (
        "a_value_with_a_space",
        "  status: shadow",
        "  status: shadow\n  applies_to: {region: ' North'}",
        14,
        ["begins or ends with a space", "write 'North'"],
    ),
    (
        "a_value_twice",
        "  status: shadow",
        "  status: shadow\n  applies_to: {region: [North, North]}",
        14,
        ["'North' is named twice"],
    ),
    (
        "ranked_within_no_attribute",
        "  status: shadow",
        "  status: shadow\n  rank_within: regions",
        14,
        ["subject_type, industry, region, company_size, channel", "did you mean `region`"],
    ),
    (
        "four_measures_for_ties",
        "[orders_12m, tenure_days]",
        "[orders_12m, tenure_days, responses_12m, purchase_days_12m]",
        6,
        ["then_by names 4 measures, and may name 3; write [orders_12m, tenure_days, responses_12m]"],
    ),
    (
        "a_coverage_in_percent",
        "after_days: 90",
        "minimum_coverage: 50",
        7,
        ["50 is not from 0 to 1; 50 % is written 0.5"],
    ),
    ("a_coverage_below_0", "after_days: 90", "minimum_coverage: -0.1", 7, ["-0.1 is not from 0 to 1"]),
    ("a_coverage_too_fine", "after_days: 90", "minimum_coverage: 0.00001", 7, ["more than 4 decimals"]),
    (
        "coverage_in_the_wrong_place",
        "  status: shadow",
        "  status: shadow\n  minimum_coverage: 0.5",
        14,
        ["`eligible: {minimum_coverage: 0.5}`"],
    ),
    (
        "existing_tiers_are_delivered",
        "  status: shadow",
        "  status: shadow\n  existing_tiers: legacy",
        14,
        ["as the stream existing_tiers"],
    ),
    ("an_owner_who_is_a_formula", "  status: shadow", "  status: shadow\n  owner: '=Ann'", 14, ["write 'Ann'"]),
]


def _stability(key: str, value: str) -> tuple[str, str, int]:
    return "  status: shadow", f"  status: shadow\n  stability:\n    {key}: {value}", 15


STABILITY = [
    ("band_in_percent", *_stability("promotion_band", "15%"), ["'15%'", "write 0.15"]),
    ("band_of_15", *_stability("promotion_band", "15"), ["15 is not below 1; 15 % is written 0.15"]),
    ("band_of_1", *_stability("demotion_band", "1"), ["a band of 1 is not below 1"]),
    ("negative_band", *_stability("demotion_band", "-0.25"), ["-0.25 is below 0", "write 0 for none"]),
    ("band_too_fine", *_stability("demotion_band", "0.00000000001"), ["more than 10 decimals"]),
    ("negative_stay", *_stability("minimum_stay_days", "-1"), ["write a whole number from 0"]),
    ("stay_in_months", *_stability("minimum_stay_days", "3 months"), ["'3 months'"]),
    ("negative_grace", *_stability("grace_days", "-30"), ["write a whole number from 0"]),
    ("negative_confirmation", *_stability("confirm_days", "-1"), ["write a whole number from 0"]),
    ("half_a_day_of_confirmation", *_stability("confirm_days", "1.5"), ["write a whole number from 0"]),
    ("nobody_may_fall", *_stability("maximum_steps_down", "0"), ["lets nobody fall", "leave it out for any number"]),
    ("half_a_step", *_stability("maximum_steps_down", "0.5"), ["0.5 is no whole number"]),
    ("misspelt_band", *_stability("promotion_bnad", "0.1"), ["did you mean `promotion_band`"]),
    (
        "grace_longer_than_the_window",
        *_stability("grace_days", "366"),
        ["grace_days of 366 is longer than the 365 days that net_revenue_12m looks back", "write at most 365"],
    ),
    ("confirmation_longer_than_the_window", *_stability("confirm_days", "400"), ["confirm_days of 400 is longer"]),
    (
        "half_yearly_misspelt",
        "  status: shadow",
        "  status: shadow\n  review_calendar: half_yaerly",
        14,
        ["nightly, monthly, quarterly, half_yearly, anniversary", "did you mean `half_yearly`"],
    ),
    ("weekly", "  status: shadow", "  status: shadow\n  review_calendar: weekly", 14, ["may be nightly, monthly"]),
]

DAYS = [
    ("no_such_day", "valid_from: 2026-02-30", ["2026-02-30 is no day of the calendar", "write one like 2026-01-31"]),
    ("no_such_month", "valid_from: 2026-13-01", ["2026-13-01 is no day of the calendar"]),
    ("one_digit_month", "valid_from: 2026-1-5", ["'2026-1-5' is not written as a day; write 2026-01-05"]),
    ("slashes", "valid_from: 2026/01/05", ["write 2026-01-05"]),
    ("chinese", "valid_from: 2026年1月5日", ["write 2026-01-05"]),
    ("without_hyphens", "valid_from: 20260105", ["write 2026-01-05"]),
    ("a_time", "valid_from: 2026-01-05 08:00:00", ["write 2026-01-05"]),
    ("the_day_first", "valid_from: 05.01.2026", ["'05.01.2026' is no day; write one like 2026-01-31"]),
    ("a_word", "valid_from: tomorrow", ["'tomorrow' is no day"]),
    ("nothing", "valid_from: ", ["None is no day"]),
    ("yes", "valid_from: true", ["True is no day"]),
]

LATER = [
    ("unit", "  status: shadow", "  status: shadow\n  unit: group", 14),
]

_LOYALTY = "loyalty: {weight: 1, parts: [{measure: orders_12m, scored_by: percentile, weight: 1}]}"
SCORES = [
    ("outside", "  status: shadow", "  status: shadow\n  scored_by: points", 14, ["beside each part of the score"]),
    ("missing_outside", "  status: shadow", "  status: shadow\n  when_missing: reweight", 14, ["within `score`"]),
    (
        "instead_of_a_name",
        "measure: net_revenue_12m\n  then_by",
        "measure: {score: {loyalty: 1}}\n  then_by",
        5,
        ["a measure is named; write value_score, and what it is made of under `score`"],
    ),
    (
        "made_of_nothing",
        "measure: net_revenue_12m\n  then_by",
        "measure: value_score\n  then_by",
        1,
        ["pyramid speaks of value_score and does not say what it is made of"],
    ),
    (
        "no_such_dimension",
        "measure: net_revenue_12m\n  then_by",
        f"measure: potential_score\n  score: {{{_LOYALTY}}}\n  then_by",
        6,
        ["speaks of potential_score, and its score has no such dimension"],
    ),
    (
        "nobody_speaks_of_it",
        "  status: shadow",
        f"  status: shadow\n  score: {{{_LOYALTY}}}",
        14,
        ["abc makes a score and speaks of none; write `measure: value_score`"],
    ),
    (
        "of_an_unknown_measure",
        "measure: net_revenue_12m\n  then_by",
        f"measure: value_score\n  score: {{{_LOYALTY.replace('orders_12m', 'order_12m')}}}\n  then_by",
        6,
        ["there is no measure order_12m; did you mean orders_12m?"],
    ),
    (
        "of_a_score",
        "measure: net_revenue_12m\n  then_by",
        f"measure: value_score\n  score: {{{_LOYALTY.replace('orders_12m', 'loyalty_score')}}}\n  then_by",
        6,
        ["loyalty_score is a score itself"],
    ),
    (
        "a_share_of_what_less_is_better",
        "measure: net_revenue_12m\n  then_by",
        "measure: value_score\n  score: {parts: [{measure: complaints_12m, scored_by: value_share, weight: 1}]}\n  then_by",
        6,
        ["of complaints_12m less is better, and a share counts what is more"],
    ),
]

ORDER = [
    ("order", "  status: shadow", "  status: shadow\n  order: [A, B, D]", 14, ["the top first; remove `order`"]),
    ("rank", "tier: key", "rank: 2, tier: key", 10, ["the top first; remove `rank`"]),
    ("window", "  status: shadow", "  status: shadow\n  window: P1Y", 14, ["the window stands in the measure's name"]),
]


def _cases(table: list) -> list:
    return [pytest.param(*row[1:], id=row[0]) for row in table]


def _refused(policy_file: Path, text: str) -> str:
    policy_file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationRefused) as refused:
        policy.load()
    assert refused.value.exit_code == 2
    return refused.value.sentence


def _changed(old: str, new: str) -> str:
    assert GOOD.count(old) >= 1, f"{old!r} is not in the good file"
    return GOOD.replace(old, new, 1)


def test_the_good_file_is_accepted(policy_file: Path) -> None:
    policy_file.write_text(GOOD, encoding="utf-8")
    assert [p.name for p in policy.load()] == ["pyramid", "abc"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    _cases(
        [
            *(NUMBERS + LINES + NAMES + MEASURES + PRIMARIES),
            *(CONDITIONS + SEATS + BY_HAND + WHOM + STABILITY + ORDER),
        ]
    ),
)
def test_is_refused_at_its_line(policy_file: Path, old: str, new: str, line: int, said: list[str]) -> None:
    sentence = _refused(policy_file, _changed(old, new))
    at_the_line = [one for one in sentence.splitlines() if one.startswith(f"config/tier_policies.yml:{line}:")]
    assert at_the_line, sentence
    for words in said:
        assert words in "\n".join(at_the_line)


@pytest.mark.parametrize(("written", "said"), _cases(DAYS))
def test_a_day_that_is_none_is_refused(policy_file: Path, written: str, said: list[str]) -> None:
    sentence = _refused(policy_file, _changed("  status: shadow", f"  status: shadow\n  {written}"))
    assert sentence.startswith("config/tier_policies.yml:14: `abc.valid_from`: ")
    for words in said:
        assert words in sentence


@pytest.mark.parametrize(("old", "new", "line"), _cases(LATER))
def test_a_key_of_the_coming_grammar_is_refused_and_never_ignored(
    policy_file: Path, old: str, new: str, line: int
) -> None:
    sentence = _refused(policy_file, _changed(old, new))
    assert sentence.startswith(f"config/tier_policies.yml:{line}: ")
    assert "not supported yet" in sentence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "is empty", id="empty_file"),
        pytest.param(b"# nothing but a comment\n", "is empty", id="only_comments"),
        pytest.param(b"{}\n", "there is no policy in this file", id="no_policies"),
        pytest.param(b"pyramid:\n\tstatus: active\n", "config/tier_policies.yml:2:1: this is no YAML: a tab", id="tab"),
        pytest.param(GOOD.encode("utf-16"), "UTF-16", id="utf_16"),
        pytest.param(GOOD.encode("gbk"), "no UTF-8", id="gbk"),
        pytest.param(b"pyramid: {status: active\n", "config/tier_policies.yml:2:1: this is no YAML", id="broken_yaml"),
        pytest.param(
            b"a: &a [x, x, x, x, x, x, x, x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 8)) for n in b"bcdefg"),
            "once its aliases are written out",
            id="billion_laughs",
        ),
        pytest.param(b"a: " + b"[" * 60 + b"]" * 60 + b"\n", "levels", id="nested_too_deep"),
        pytest.param(b"# " + b"x" * 1_100_000, "a configuration file may have", id="too_large"),
    ],
)
def test_a_file_that_cannot_be_read_is_answered(policy_file: Path, content: bytes, said: str) -> None:
    policy_file.write_bytes(content)
    with pytest.raises(ConfigurationRefused) as refused:
        policy.load()
    assert said in refused.value.sentence


def test_a_missing_file_is_named(home: Path) -> None:
    with pytest.raises(ConfigurationRefused, match=r"config/tier_policies\.yml is missing"):
        policy.load()


def test_a_folder_in_place_of_the_file_is_named(policy_file: Path) -> None:
    policy_file.mkdir()
    with pytest.raises(ConfigurationRefused, match=r"config/tier_policies\.yml is a folder"):
        policy.load()


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(policy_file: Path) -> None:
    policy_file.write_text(GOOD, encoding="utf-8")
    versions = [p.version for p in policy.load()]
    policy_file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [p.version for p in policy.load()] == versions


def test_a_file_that_everybody_may_change_is_a_warning(policy_file: Path) -> None:
    policy_file.write_text(GOOD, encoding="utf-8")
    policy_file.chmod(0o666)
    (warning,) = policy.check()
    assert warning == (
        "config/tier_policies.yml: everybody on this machine may change it; `chmod o-w config/tier_policies.yml` leaves"
        " that to its owner."
    )


def test_a_link_to_a_file_elsewhere_is_a_warning(policy_file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "policies.yml"
    elsewhere.write_text(GOOD, encoding="utf-8")
    policy_file.symlink_to(elsewhere)
    (warning,) = policy.check()
    assert f"this is a link to {elsewhere}, outside of this installation" in warning


def test_currency_on_a_measure_that_is_no_money_is_refused(policy_file: Path) -> None:
    text = _changed("measure: net_revenue_12m\n  tiers", "measure: orders_12m\n  tiers")
    assert "tier_policies.yml:14: orders_12m is no money but count" in _refused(policy_file, text)


def test_a_negative_bound_on_a_count_is_refused(policy_file: Path) -> None:
    text = _changed("  currency: GBP\n", "").replace(
        "net_revenue_12m\n  tiers:\n    - {tier: A", "orders_12m\n  tiers:\n    - {tier: A"
    )
    sentence = _refused(policy_file, text.replace("at_least: 5000", "at_least: -5"))
    assert "orders_12m is never below 0, so B at_least -5 says nothing" in sentence


def test_a_negative_bound_on_revenue_is_a_line_like_any_other(policy_file: Path) -> None:
    policy_file.write_text(_changed("at_least: 5000", "at_least: -5"), encoding="utf-8")
    assert policy.load()[1].tiers[1].bound == -5


def test_above_and_at_least_may_share_their_number(policy_file: Path) -> None:
    policy_file.write_text(_changed("at_least: 5000", "at_least: 10000"), encoding="utf-8")
    assert len(policy.load()) == 2


def test_on_whole_numbers_above_9_leaves_nobody_for_at_least_10(policy_file: Path) -> None:
    text = _changed("  currency: GBP\n", "").replace(
        "net_revenue_12m\n  tiers:\n    - {tier: A", "orders_12m\n  tiers:\n    - {tier: A"
    )
    text = text.replace("above: 10000", "above: 9").replace("at_least: 5000", "at_least: 9.5")
    assert "9.5" in _refused(policy_file, text)


def test_all_manual_tiers_leave_everybody_without_one(policy_file: Path) -> None:
    text = _changed("top_share: 0.01", "manual: true").replace("top_share: 0.05", "manual: true")
    text = text.replace("otherwise: true}\nabc", "manual: true}\nabc")
    assert ":11: every tier is given by hand, and the last tier, small, leaves customers" in _refused(policy_file, text)


def test_currency_is_for_a_policy_that_speaks_of_money_in_a_condition_alone(policy_file: Path) -> None:
    text = _changed("measure: net_revenue_12m\n  tiers", "measure: orders_12m\n  tiers")
    text = text.replace("above: 10000", "all: [{at_least: 4}, {measure: net_revenue_12m, above: 10000}]")
    policy_file.write_text(text.replace("at_least: 5000", "at_least: 4"), encoding="utf-8")
    assert policy.load()[1].currency == "GBP"


@pytest.mark.parametrize(
    ("bound", "band", "is_refused"),
    [
        pytest.param("at_least: 80", "0.25", False, id="exactly_the_largest_value"),
        pytest.param("above: 80", "0.25", True, id="above_the_largest_value"),
        pytest.param("at_least: 80.01", "0.25", True, id="past_the_largest_value"),
        pytest.param("at_least: 100", "0", False, id="no_band"),
        pytest.param("all: [{at_least: 80.01}, {measure: orders_12m, at_least: 4}]", "0.25", True, id="in_all"),
    ],
)
def test_a_tier_that_nobody_could_rise_into_is_refused(
    policy_file: Path, bound: str, band: str, is_refused: bool
) -> None:
    text = _changed("  currency: GBP\n", f"  stability: {{promotion_band: {band}}}\n")
    text = text.replace("net_revenue_12m\n  tiers:\n    - {tier: A", "satisfaction_12m\n  tiers:\n    - {tier: A")
    text = text.replace("above: 10000", bound).replace("at_least: 5000", "at_least: 50")
    if not is_refused:
        policy_file.write_text(text, encoding="utf-8")
        assert len(policy.load()) == 2
        return
    sentence = _refused(policy_file, text)
    assert sentence.startswith("config/tier_policies.yml:18: nobody could rise into A ")
    assert "with a promotion_band of 0.25 that takes 100" in sentence
    assert "satisfaction_12m never passes 100; lower the bound or the band" in sentence


def test_conditions_on_different_measures_leave_each_other_customers(policy_file: Path) -> None:
    text = _changed("above: 10000", "all: [{at_least: 5000}, {measure: orders_12m, at_least: 6}]")
    policy_file.write_text(text, encoding="utf-8")
    assert [t.rule_kind for t in policy.load()[1].tiers] == ["all", "at_least", "otherwise"]


def test_who_waits_for_a_seat_may_have_a_tier_of_the_same_line(policy_file: Path) -> None:
    text = _changed("above: 10000", "at_least: 5000, seat_cap: 50")
    policy_file.write_text(text, encoding="utf-8")
    assert policy.load()[1].tiers[0].seat_cap == 50


def test_everything_a_policy_may_say_is_accepted_at_once(policy_file: Path) -> None:
    text = _changed("otherwise: provisional}", "otherwise: provisional, minimum_coverage: 0}").replace(
        "  tiers:\n    - {tier: vip",
        "  owner: Sales\n  valid_from: 2026-01-01\n  unit: customer\n  rank_within: region\n"
        "  applies_to: {subject_type: company, region: [South, North]}\n  review_calendar: half-yearly\n"
        "  stability: {promotion_band: 0.15, demotion_band: 0.25, minimum_stay_days: 90, maximum_steps_down: 1,"
        " grace_days: 30, confirm_days: 0}\n"
        "  tiers:\n    - {tier: chosen, labels: Chosen, manual: true}\n    - {tier: vip",
        1,
    )
    policy_file.write_text(text.replace("top_share: 0.05", "top_share: 0.05, seat_cap: 50"), encoding="utf-8")
    entry = policy.load()[0].entry
    assert (entry.valid_from, entry.review_calendar) == (date(2026, 1, 1), "half_yearly")
    assert entry.applies_to.items() == [("subject_type", ["company"]), ("region", ["North", "South"])]
    assert (entry.stability.promotion_band, entry.stability.confirm_days) == (Decimal("0.15"), 1)
    assert [(tier.rule_kind, tier.seat_cap) for tier in entry.tiers] == [
        ("manual", None),
        ("top_share", None),
        ("top_share", 50),
        ("otherwise", None),
    ]


def test_bounds_and_shares_may_be_mixed(policy_file: Path) -> None:
    policy_file.write_text(_changed("top_share: 0.01", "at_least: 100000"), encoding="utf-8")
    assert [t.rule_kind for t in policy.load()[0].tiers] == ["at_least", "top_share", "otherwise"]


COUNTS = {
    name: Measure(name, "count", True, Decimal(1), Decimal(10**9), name, name) for name in ("orders", "purchase_days")
}
LINE = st.fixed_dictionaries({"at_least": st.integers(1, 5)}) | st.fixed_dictionaries({"above": st.integers(0, 4)})
ASKED = st.fixed_dictionaries({}, optional=dict.fromkeys(COUNTS, LINE)).filter(bool)


@given(st.lists(ASKED, min_size=1, max_size=4))
def test_a_tier_is_refused_exactly_when_no_customer_could_reach_it(asked: list[dict[str, dict[str, int]]]) -> None:
    def first_reached(customer: dict[str, int]) -> int | None:
        for number, lines in enumerate(asked):
            if all(customer[m] >= line.get("at_least", line.get("above", 0) + 1) for m, line in lines.items()):
                return number
        return None

    tiers = [
        {"tier": f"t{number}", "labels": "T", "all": [{"measure": m, **line} for m, line in lines.items()]}
        for number, lines in enumerate(asked)
    ]
    entry = PolicyEntry.model_validate(
        {
            "status": "active",
            "primary": True,
            "labels": "P",
            "measure": "orders",
            "tiers": [*tiers, {"tier": "rest", "labels": "R", "otherwise": True}],
        }
    )
    reached = {first_reached({"orders": a, "purchase_days": b}) for a in range(7) for b in range(7)}
    refused = {finding.place[2] for finding in checks.problems({"p": entry}, COUNTS, "GBP")}
    assert refused == set(range(len(asked))) - reached


def test_every_problem_of_the_file_is_answered_at_once(policy_file: Path) -> None:
    text = _changed("top_share: 0.05", "top_share: 0.005").replace("at_least: 5000", "at_least: 20000")
    assert len(_refused(policy_file, text).splitlines()) == 2


def test_names_are_kept_in_one_unicode_form(policy_file: Path) -> None:
    policy_file.write_text(_changed("tier: key", "tier: Cle\u0301"), encoding="utf-8")
    assert policy.load()[0].tiers[1].tier == "Cl\u00e9"


def test_chinese_names_and_emoji_are_names(policy_file: Path) -> None:
    policy_file.write_text(_changed("tier: key", "tier: 钻石💎"), encoding="utf-8")
    assert policy.load()[0].tiers[1].tier == "钻石💎"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("  then_by: [orders_12m, tenure_days]\n", "", "pyramid has no then_by", id="ties_on_a_line"),
        pytest.param("at_least: 5000", "at_least: 5000.005", "so B begins at 5000.01", id="finer_than_a_penny"),
        pytest.param("en: Key,", "en: VIP,", "two tiers of pyramid are both called 'VIP' in en", id="one_label_twice"),
        pytest.param(
            "at_least: 5000}",
            "at_least: 5000, seat_cap: 9}",
            "who do not all fit into B none is seated, and nobody behind them",
            id="ties_at_a_wall",
        ),
        pytest.param(
            "at_least: 5000}",
            "all: [{at_least: 5000}, {measure: orders_12m, at_least: 0}]}",
            "everybody whose orders_12m is known meets orders_12m at_least 0",
            id="a_condition_that_everybody_meets",
        ),
        pytest.param(
            "at_least: 5000}",
            "all: [{at_least: 5000}, {measure: orders_12m, at_least: 3.5}]}",
            "orders_12m moves in steps of 1, so B begins at 4",
            id="half_an_order",
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(policy_file: Path, old: str, new: str, said: str) -> None:
    policy_file.write_text(_changed(old, new), encoding="utf-8")
    (warning,) = policy.check()
    assert warning.startswith("config/tier_policies.yml:")
    assert said in warning


@pytest.mark.parametrize(
    ("lines", "band", "said"),
    [
        pytest.param(
            ("above: 10000", "at_least: 9000"),
            "0.15",
            "rising into B takes 10350, which is past A above 10000 above it: a customer may reach A and stand two tiers"
            " below it",
            id="bounds",
        ),
        pytest.param(("above: 10000", "at_least: 8000"), "0.25", None, id="bounds_that_touch"),
        pytest.param(("at_least: -100", "at_least: -110"), "0.15", "rising into B takes -93.5", id="below_0"),
        pytest.param(
            ("top_share: 0.1", "top_share: 0.11"),
            "0.15",
            "rising into B takes the top 0.0935, which is within A top_share 0.1 above it",
            id="shares",
        ),
        pytest.param(("top_share: 0.1", "top_share: 0.125"), "0.2", None, id="shares_that_touch"),
        pytest.param(
            ("all: [{at_least: 10000}, {measure: orders_12m, at_least: 6}]", "at_least: 9000"),
            "0.15",
            "past A at_least 10000",
            id="within_all",
        ),
        pytest.param(
            ("all: [{at_least: 9000}, {measure: orders_12m, at_least: 6}]", "at_least: 9000"),
            "0.15",
            None,
            id="one_bound_in_two_tiers",
        ),
        pytest.param(("manual: true", "at_least: 9000"), "0.15", None, id="by_hand"),
    ],
)
def test_a_band_past_the_tier_above_is_a_warning(
    policy_file: Path, lines: tuple[str, str], band: str, said: str | None
) -> None:
    text = _changed("  currency: GBP\n", f"  then_by: [orders_12m]\n  stability:\n    promotion_band: {band}\n")
    text = text.replace("above: 10000", lines[0])
    policy_file.write_text(text.replace("at_least: 5000", lines[1]), encoding="utf-8")
    warnings = policy.check()
    assert len(warnings) == (said is not None)
    if said is not None:
        assert warnings[0].startswith(f"config/tier_policies.yml:16: with a promotion_band of {band} rising into B")
        assert said in warnings[0]


def test_the_shipped_policies_are_accepted_without_a_warning(policy_file: Path) -> None:
    shipped = Path(policy.__file__).parents[3] / "config" / "tier_policies.yml"
    policy_file.write_bytes(shipped.read_bytes())
    assert policy.check() == []
    assert {p.name: p.entry.status for p in policy.load()} == {
        "pyramid": "active",
        "abc_by_amount": "shadow",
        "high_potential_low": "shadow",
        "strategic": "shadow",
        "three_values": "shadow",
        "credit_points": "shadow",
    }
