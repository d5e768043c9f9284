"""The policies that ship, on a company that reports in CNY: whom each of them puts where, counted by hand."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

SHIPPED = Path(__file__).resolve().parents[2] / "config/tier_policies.yml"
COMPANY = """\
name: {en: Bounds Trading, zh: 界限贸易}
currency: CNY
time_zone: Asia/Shanghai
clock: {last_day: 2024-04-01}
limits: {max_bad_share: 0.2, volume_drop: 1}
"""
SOURCES = """\
- name: shop
  required: true
  kind: files
  time_zone: Asia/Shanghai
  streams:
    orders:
      from: inbox/orders/*.csv
      known_on: {from_name: "orders_%Y-%m-%d"}
      columns:
        order_id: order
        line_id: line
        customer_id: customer
        ordered_at: at
        amount: amount
        currency: {value: CNY}
        kind: {value: sale}
"""
# Ten customers whom a line could put on either side, and 190 who bought once: 5, 10, 15 … 950.
AT_THE_BOUNDS = {
    "above_a_million": ["1000000.01"],
    "a_million": ["1000000.00"],
    "half_a_million": ["500000.00"],
    "less_than_half": ["499999.99"],
    "5000_in_six": [*["833.33"] * 5, "833.35"],
    "5000_in_five": ["1000.00"] * 5,
    "4999_in_six": [*["833.33"] * 5, "833.34"],
    "1000_in_four": ["250.00"] * 4,
    "1000_in_three": ["333.33", "333.33", "333.34"],
    "999_in_nine": ["111.11"] * 9,
}
PLAIN = {f"p{n:03}": [f"{5 * n}.00"] for n in range(1, 191)}
TOP_30_PLAIN = {f"p{n:03}" for n in range(161, 191)}
EVERYBODY = {*AT_THE_BOUNDS, *PLAIN, "new"}


def _orders(customers):
    """One order a day from 1 December 2023 on."""
    return [
        (f"{who}-{n}", 1, who, f"2023-12-{n:02} 12:00", amount)
        for who, amounts in customers.items()
        for n, amount in enumerate(amounts, start=1)
    ]


def _policies():
    """As shipped, except for the bounds of the ABC rule: the demo company's are of its own size."""
    text = SHIPPED.read_text()
    for shipped, bound in (("above: 10000}", "above: 1000000}"), ("at_least: 2500}", "at_least: 500000}")):
        assert text.count(shipped) == 1
        text = text.replace(shipped, bound)
    return text


@pytest.fixture(scope="module")
def last_of_march(make_company):
    """One night. Who is `new` came eleven days ago; p001 is strategic by hand, for March."""
    company = make_company(company=COMPANY, sources=SOURCES, policies=_policies())
    rows = [*_orders(AT_THE_BOUNDS | PLAIN), ("new-1", 1, "new", "2024-03-21 12:00", "600000.00")]
    company.deliver("orders_2024-03-31.csv", rows, ("order", "line", "customer", "at", "amount"))
    said = ("--from", "2024-03-01", "--until", "2024-03-31", "--reason", "opens a new market", "--author", "Li")
    answer = company.tierwise("override", "add", "shop:p001", "--policy", "strategic", "--tier", "strategic", *said)
    assert answer.code == 0, answer.said
    company.run("2024-03-31")
    return company


@pytest.fixture(scope="module")
def first_of_april(last_of_march, tmp_path_factory):
    """The night of a quarterly review: two customers bought what they lacked, and March is over for p001."""
    company = last_of_march.copy_to(tmp_path_factory.mktemp("april") / "company")
    rows = [
        ("5000_in_five-6", 1, "5000_in_five", "2024-04-01 12:00", "1.00"),
        ("4999_in_six-7", 1, "4999_in_six", "2024-04-01 12:00", "0.01"),
    ]
    company.deliver("orders_2024-04-01.csv", rows, ("order", "line", "customer", "at", "amount"))
    company.run("2024-04-01")
    return company


def _members(company, policy):
    by_tier = {}
    for customer, tier in company.tiers(policy).items():
        by_tier.setdefault(tier, set()).add(customer)
    return by_tier


# --- abc_by_amount ----------------------------------------------------------------------------------------------------


def test_the_bounds_of_the_abc_rule_are_exact_in_cny(last_of_march):
    tiers = last_of_march.tiers("abc_by_amount")
    assert {who: tiers[who] for who in list(AT_THE_BOUNDS)[:4]} == {
        "less_than_half": "C",
        "half_a_million": "B",
        "a_million": "B",
        "above_a_million": "A",
    }
    members = _members(last_of_march, "abc_by_amount")
    assert members["A"] == {"above_a_million"}
    assert members["B"] == {"a_million", "half_a_million", "new"}
    assert len(members["C"]) == 197
    scores = "select customer_id, score from dim_customer_tiers join dim_customer_ids using (customer_key)"
    assert dict(last_of_march.marts(f"{scores} where policy = 'abc_by_amount' and score > 10000")) == {
        "less_than_half": Decimal("499999.99"),
        "half_a_million": Decimal("500000.00"),
        "new": Decimal("600000.00"),
        "a_million": Decimal("1000000.00"),
        "above_a_million": Decimal("1000000.01"),
    }


def test_the_abc_rule_is_printed_with_its_ends(last_of_march):
    shown = last_of_march.tierwise("policy", "show")
    assert shown.code == 0, shown.said
    rows = {row[0]: row for row in csv.reader(io.StringIO(shown.out), delimiter="\t") if row}
    assert [rows[tier][4] for tier in ("A", "B", "C")] == ["超过100万", "50万以上（含）、100万以下（含）", "不满50万"]
    assert "by net_revenue_12m in CNY" in shown.out
    why = last_of_march.tierwise("why", "less_than_half", "--policy", "abc_by_amount", "--brief")
    assert why.code == 0, why.said
    assert "达到¥50万（再增加¥0.01）可升为B类" in why.out
    assert "rises to B at ¥500,000 (¥0.01 more)" in why.said
    above = last_of_march.tierwise("why", "half_a_million", "--policy", "abc_by_amount", "--brief")
    assert "达到¥1,000,000.01" in above.out  # 100万 itself is B


# --- pyramid ----------------------------------------------------------------------------------------------------------


def test_the_pyramid_seats_the_shares_of_those_who_are_graded(last_of_march):
    members = _members(last_of_march, "pyramid")
    assert members["vip"] == {"above_a_million", "a_million"}  # 1 % of 200
    assert members["key"] == {*AT_THE_BOUNDS, "new"} - members["vip"]  # the next 4 %, and one who is not graded yet
    assert members["regular"] == TOP_30_PLAIN  # the next 15 %
    assert members["small"] == set(PLAIN) - TOP_30_PLAIN


def test_who_is_too_new_is_placed_in_the_pyramid_without_taking_a_seat(last_of_march):
    new = last_of_march.marts("""
        select customer_id, tier, rank_position, reason from tier_explanations join dim_customer_ids using (customer_key)
        where policy = 'pyramid' and graded = 'provisional'""")
    assert new == [("new", "key", 3, "provisional")]


# --- high_potential_low -----------------------------------------------------------------------------------------------


def test_high_and_potential_ask_for_both_measures(last_of_march):
    members = _members(last_of_march, "high_potential_low")
    assert members["high"] == {"5000_in_six"}
    assert members["potential"] == {"5000_in_five", "4999_in_six", "1000_in_four"}
    assert members[None] == {"new"}
    assert members["low"] == EVERYBODY - members["high"] - members["potential"] - {"new"}


def test_on_the_review_day_rises_who_meets_both(first_of_april):
    rose = first_of_april.marts("""
        select customer_id, from_tier, to_tier, reason from fct_tier_changes join dim_customer_ids using (customer_key)
        where policy = 'high_potential_low' and as_of = date '2024-04-01' order by all""")
    assert rose == [
        ("4999_in_six", "potential", "high", "promoted"),
        ("5000_in_five", "potential", "high", "promoted"),
    ]


# --- strategic --------------------------------------------------------------------------------------------------------


def test_nobody_is_strategic_except_by_hand(last_of_march):
    members = _members(last_of_march, "strategic")
    assert members["strategic"] == {"p001"}
    assert members["important"] == {*list(AT_THE_BOUNDS)[:6], "new"}
    assert members["ordinary"] == EVERYBODY - members["strategic"] - members["important"]
    why = last_of_march.tierwise("why", "p001", "--policy", "strategic", "--brief")
    assert why.code == 0, why.said
    assert "战略客户" in why.out
    assert "opens a new market" in why.said


def test_when_the_hand_is_off_a_strategic_customer_has_the_tier_reached(first_of_april):
    members = _members(first_of_april, "strategic")
    assert "strategic" not in members
    assert {"4999_in_six"} == members["important"] - {*list(AT_THE_BOUNDS)[:6], "new"}
    ended = first_of_april.marts("""
        select from_tier, to_tier, reason from fct_tier_changes join dim_customer_ids using (customer_key)
        where policy = 'strategic' and customer_id = 'p001' and as_of = date '2024-04-01'""")
    assert ended == [("strategic", "ordinary", "override_ended")]


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("night", ["last_of_march", "first_of_april"])
def test_every_tier_has_a_sentence_in_both_languages(night, request):
    from tierwise import policy

    company = request.getfixturevalue(night)
    with company.at_home():
        told = list(policy.explanations())
    assert len(told) == 6 * 201
    assert all(one.sentence_en.strip() and one.sentence_zh.strip() for one in told)
    assert company.marts("select count(*) from dim_customer_tiers") == [(6 * 201,)]


def test_the_parts_of_every_change_sum_to_the_change_of_the_score(first_of_april):
    parts = ("policy", "identity", "corrected_data", "value_model", "own_behaviour", "left_window", "others_moved")
    summed = " + ".join(f"part_{part}" for part in parts)
    odd = f"where {summed} is distinct from score - coalesce(score_before, 0)"
    assert first_of_april.marts(f"select * from fct_tier_changes {odd}") == []
