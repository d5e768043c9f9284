"""A policy file that is not meant, or cannot be carried out, is answered with the line and with what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise import policy
from tierwise.errors import ConfigurationRefused

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

LATER = [
    ("stability", "  status: shadow", "  status: shadow\n  stability: {confirm_days: 2}", 14),
    ("applies_to", "  status: shadow", "  status: shadow\n  applies_to: {subject_type: company}", 14),
    ("rank_within", "  status: shadow", "  status: shadow\n  rank_within: region", 14),
    ("unit", "  status: shadow", "  status: shadow\n  unit: group", 14),
    ("review_calendar", "  status: shadow", "  status: shadow\n  review_calendar: monthly", 14),
    ("owner", "  status: shadow", "  status: shadow\n  owner: sales", 14),
    ("valid_from", "  status: shadow", "  status: shadow\n  valid_from: 2026-01-01", 14),
    ("scored_by", "  status: shadow", "  status: shadow\n  scored_by: points", 14),
    ("when_missing", "  status: shadow", "  status: shadow\n  when_missing: reweight", 14),
    ("minimum_coverage", "  status: shadow", "  status: shadow\n  minimum_coverage: 0.5", 14),
    ("existing_tiers", "  status: shadow", "  status: shadow\n  existing_tiers: legacy", 14),
    ("a_weighted_score", "measure: net_revenue_12m\n  then_by", "measure: {score: {loyalty: 1}}\n  then_by", 5),
    ("seat_cap", "top_share: 0.05", "top_share: 0.05, seat_cap: 50", 10),
    ("manual", "top_share: 0.05", "manual: true", 10),
    ("all", "top_share: 0.05", "all: [{at_least: 5}]", 10),
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
    _cases(NUMBERS + LINES + NAMES + MEASURES + PRIMARIES),
)
def test_is_refused_at_its_line(policy_file: Path, old: str, new: str, line: int, said: list[str]) -> None:
    sentence = _refused(policy_file, _changed(old, new))
    at_the_line = [one for one in sentence.splitlines() if one.startswith(f"config/tier_policies.yml:{line}:")]
    assert at_the_line, sentence
    for words in said:
        assert words in "\n".join(at_the_line)


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


def test_bounds_and_shares_may_be_mixed(policy_file: Path) -> None:
    policy_file.write_text(_changed("top_share: 0.01", "at_least: 100000"), encoding="utf-8")
    assert [t.rule_kind for t in policy.load()[0].tiers] == ["at_least", "top_share", "otherwise"]


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
    ],
)
def test_what_is_probably_not_meant_is_a_warning(policy_file: Path, old: str, new: str, said: str) -> None:
    policy_file.write_text(_changed(old, new), encoding="utf-8")
    (warning,) = policy.check()
    assert warning.startswith("config/tier_policies.yml:")
    assert said in warning


def test_the_shipped_policies_are_accepted_without_a_warning(home: Path) -> None:
    shipped = Path(policy.__file__).parents[3] / "config" / "tier_policies.yml"
    assert policy.check(shipped) == []
    assert {p.name: p.entry.status for p in policy.load(shipped)} == {"pyramid": "active", "abc_by_amount": "shadow"}
