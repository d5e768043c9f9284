"""The oracle itself, held against small cases worked out on paper. Every expected value is written, none computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from .oracle import Case, Condition, Decision, Existing, Override, Policy, Tier, Value, decide, is_review_day

Night = Mapping[str, Any]  # customer -> net revenue, or all its measures
Tellings = dict[str, list[str]]

LONG_AGO = date(2020, 5, 17)


def d(text: str) -> date:
    return date.fromisoformat(text if len(text) > 5 else f"2024-{text}")


def share(name: str, part: str, cap: int | None = None) -> Tier:
    return Tier(name, "top_share", (Condition("top_share", Fraction(part)),), cap)


def at_least(name: str, bound: str, cap: int | None = None) -> Tier:
    return Tier(name, "at_least", (Condition("at_least", Fraction(bound)),), cap)


def above(name: str, bound: str, cap: int | None = None) -> Tier:
    return Tier(name, "above", (Condition("above", Fraction(bound)),), cap)


def both(name: str, *conditions: Condition, cap: int | None = None) -> Tier:
    return Tier(name, "all", conditions, cap)


REST = Tier("rest", "otherwise")
HAND = Tier("hand", "manual")


def policy(*tiers: Tier, version: str = "v1", **more: Any) -> Policy:
    return Policy(version, (*tiers, REST), **more)


def case(
    policies: Policy | Mapping[str, Policy | None],
    nights: Mapping[str, Night],
    *,
    first_sale: Mapping[str, str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    corrected: Mapping[tuple[str, str], Any] | None = None,
    slid: Mapping[tuple[str, str], Any] | None = None,
    overrides: tuple[Override, ...] = (),
    existing: tuple[Existing, ...] = (),
) -> Case:
    """`attributes`: what a customer is, by name or by (day, name)."""
    first_sale, attributes = first_sale or {}, attributes or {}
    days = tuple(d(day) for day in nights)
    if isinstance(policies, Policy):
        policies = {"1900-01-01": policies}

    def value(name: str, numbers: Any) -> Value:
        if not isinstance(numbers, Mapping):
            numbers = {"net_revenue_12m": numbers}
        exact = {m: None if v is None else Decimal(str(v)) for m, v in numbers.items()}
        return Value(d(first_sale[name]) if name in first_sale else LONG_AGO, exact)

    values = {(d(day), "day", n): value(n, v) for day, night in nights.items() for n, v in night.items()}
    for basis, given in (("corrected", corrected or {}), ("slid", slid or {})):
        values |= {(d(day), basis, n): value(n, v) for (day, n), v in given.items()}
    return Case(
        days=days,
        policies=tuple((d(day), p) for day, p in policies.items()),
        attributes={
            (d(day), n): attributes.get((day, n), attributes.get(n, {})) for day, night in nights.items() for n in night
        },
        values=values,
        overrides=overrides,
        existing=existing,
    )


def decisions(given: Case) -> dict[tuple[str, str], Decision]:
    return {(x.as_of.isoformat()[5:], x.customer): x for x in decide(given)}


def story(given: Case, name: str) -> list[str]:
    """What was decided of one customer, day by day: `tier row reason`."""
    return [f"{x.tier} {x.decision_rows} {x.reason}" for x in decide(given) if x.customer == name]


def tiers(given: Case) -> dict[str, str | None]:
    """Who is where at the end of the last day."""
    return {x.customer: x.tier for x in decide(given) if x.as_of == given.days[-1]}


def hundred(n: int = 100) -> dict[str, int]:
    """c1 spends most."""
    return {f"c{i}": 1000 - i for i in range(1, n + 1)}


# --- rank and shares


def test_29_percent_of_100_are_29_seats() -> None:
    held = tiers(case(policy(share("A", "0.29")), {"01-01": hundred()}))
    assert [n for n in ("c28", "c29", "c30") if held[n] == "A"] == ["c28", "c29"]


def test_one_percent_of_60_is_no_seat_and_takes_nobody_in() -> None:
    assert set(tiers(case(policy(share("A", "0.01")), {"01-01": hundred(60)})).values()) == {"rest"}


def test_seats_are_counted_of_those_above_zero() -> None:
    night = {"ann": 30, "bob": 20, "cid": 10, "dee": 0, "eve": 0, "fay": -5, "gus": -9, "hal": 0}
    assert tiers(case(policy(share("A", "0.34")), {"01-01": night})) == {
        **dict.fromkeys(night, "rest"),
        "ann": "A",
    }


def test_equals_share_the_worst_rank_and_who_straddles_a_line_falls_below_it() -> None:
    given = case(policy(share("A", "0.5")), {"01-01": {"ann": 9, "bob": 7, "cid": 7, "dee": 1}})
    assert tiers(given) == {"ann": "A", "bob": "rest", "cid": "rest", "dee": "rest"}
    assert [x.rank_position for x in decide(given)] == [1, 3, 3, 4]


def test_then_by_parts_equals() -> None:
    night = {
        "ann": {"net_revenue_12m": 7, "orders_12m": 1},
        "bob": {"net_revenue_12m": 7, "orders_12m": 2},
        "cid": {"net_revenue_12m": 7, "orders_12m": None},
    }
    given = case(policy(share("A", "0.34"), then_by=("orders_12m",)), {"01-01": night})
    assert [(x.customer, x.rank_position, x.tier) for x in decide(given)] == [
        ("ann", 2, "rest"),
        ("bob", 1, "A"),
        ("cid", 3, "rest"),
    ]


def test_shares_are_cumulative_from_the_top() -> None:
    held = tiers(case(policy(share("A", "0.2"), share("B", "0.6")), {"01-01": hundred(5)}))
    assert held == {"c1": "A", "c2": "B", "c3": "B", "c4": "rest", "c5": "rest"}


def test_a_share_of_less_than_nothing_is_never_reached() -> None:
    assert tiers(case(policy(share("A", "1")), {"01-01": {"ann": 5, "bob": 0, "cid": -1}})) == {
        "ann": "A",
        "bob": "rest",
        "cid": "rest",
    }


def test_rank_and_count_are_per_group_and_null_is_a_group() -> None:
    night = {"ann": 90, "bob": 80, "cid": 5, "dee": 4, "eve": 3, "fay": 2}
    groups = {"ann": "x", "bob": "x", "cid": "y", "dee": "y", "eve": None, "fay": None}
    given = case(
        policy(share("A", "0.5"), rank_within="industry"),
        {"01-01": night},
        attributes={n: {"industry": g} for n, g in groups.items()},
    )
    assert tiers(given) == {"ann": "A", "bob": "rest", "cid": "A", "dee": "rest", "eve": "A", "fay": "rest"}


# --- bounds


@pytest.mark.parametrize(
    ("value", "tier"),
    [("1000000.01", "A"), ("1000000", "B"), ("500000", "B"), ("499999.99", "rest"), ("-1", "rest")],
)
def test_above_excludes_its_end_and_at_least_includes_it(value: str, tier: str) -> None:
    given = case(policy(above("A", "1000000"), at_least("B", "500000")), {"01-01": {"ann": value}})
    assert tiers(given) == {"ann": tier}


@pytest.mark.parametrize(("value", "told"), [("109.99", "rest 8 held_by_band"), ("110", "A 6 promoted")])
def test_a_bound_is_cleared_at_its_promotion_band(value: str, told: str) -> None:
    p = policy(at_least("A", "100"), promotion_band=Fraction("0.1"))
    assert story(case(p, {"01-01": {"ann": 1}, "01-02": {"ann": value}}), "ann")[1] == told


def test_an_excluding_bound_is_not_cleared_on_its_line() -> None:
    p = policy(above("A", "100"), promotion_band=Fraction("0.1"))
    nights = {"01-01": {"ann": 1}, "01-02": {"ann": 110}, "01-03": {"ann": "110.01"}}
    assert story(case(p, nights), "ann")[1:] == ["rest 8 held_by_band", "A 6 promoted"]


@pytest.mark.parametrize(
    ("tier", "value", "told"),
    [
        (at_least("A", "100"), "90", "A 8 held_by_band"),
        (at_least("A", "100"), "89.99", "rest 7 demoted"),
        (above("A", "100"), "90.01", "A 8 held_by_band"),
        (above("A", "100"), "90", "rest 7 demoted"),
        # below zero the band still lies below the line
        (at_least("A", "-100"), "-110", "A 8 held_by_band"),
        (at_least("A", "-100"), "-110.01", "rest 7 demoted"),
    ],
)
def test_a_bound_is_missed_beyond_its_demotion_band(tier: Tier, value: str, told: str) -> None:
    p = policy(tier, demotion_band=Fraction("0.1"))
    assert story(case(p, {"01-01": {"ann": 500}, "01-02": {"ann": value}}), "ann")[1] == told


# --- shares with bands


@pytest.mark.parametrize(("rank", "told"), [(8, "A 6 promoted"), (9, "rest 8 held_by_band")])
def test_a_share_is_cleared_at_floor_of_its_seats_less_the_band(rank: int, told: str) -> None:
    # 10 seats of 40, band 0.15: floor(8.5) = 8
    p = policy(share("A", "0.25"), promotion_band=Fraction("0.15"))
    after = {**hundred(40), "c40": f"{1000 - rank}.5"}
    assert story(case(p, {"01-01": hundred(40), "01-02": after}), "c40")[1] == told


def test_one_seat_can_always_be_cleared() -> None:
    # 1 seat of 4, band 0.5: max(1, floor(0.5)) = 1
    p = policy(share("A", "0.25"), promotion_band=Fraction("0.5"))
    given = case(p, {"01-01": hundred(4), "01-02": {**hundred(4), "c4": 5000}})
    assert story(given, "c4") == ["rest 5 reached", "A 6 promoted"]


@pytest.mark.parametrize(("rank", "told"), [(12, "A 8 held_by_band"), (13, "rest 7 demoted")])
def test_a_share_is_missed_beyond_its_line_and_band(rank: int, told: str) -> None:
    # 10 of 40, band 0.25: missed from rank 13 on (12.5)
    p = policy(share("A", "0.25"), demotion_band=Fraction("0.25"))
    after = {**hundred(40), "c1": f"{1000 - rank - 1}.5"}
    assert story(case(p, {"01-01": hundred(40), "01-02": after}), "c1")[1] == told


def test_a_band_is_at_least_one_rank_wide() -> None:
    # 1 seat of 4, band 0.1: beyond 1.1, but also beyond 2
    p = policy(share("A", "0.25"), demotion_band=Fraction("0.1"))
    nights = {"01-01": hundred(4), "01-02": {**hundred(4), "c1": "998.5"}, "01-03": {**hundred(4), "c1": "998.5"}}
    assert story(case(p, nights), "c1") == ["A 5 reached", "A 9 unchanged", "A 9 unchanged"]
    nights = {"01-01": hundred(4), "01-02": {**hundred(4), "c1": "997.5"}, "01-03": {**hundred(4), "c1": "996.5"}}
    assert story(case(p, nights), "c1") == ["A 5 reached", "A 8 held_by_band", "rest 7 demoted"]


def test_without_a_band_missing_is_not_reaching() -> None:
    p = policy(share("A", "0.25"))
    given = case(p, {"01-01": hundred(4), "01-02": {**hundred(4), "c1": "997.5"}})
    assert story(given, "c1") == ["A 5 reached", "rest 7 demoted"]


def test_an_equal_newcomer_pushes_nobody_out() -> None:
    p = policy(share("A", "0.5"))
    given = case(p, {"01-01": {"ann": 9, "bob": 5}, "01-02": {"ann": 9, "bob": 9}})
    assert story(given, "ann") == ["A 5 reached", "A 8 held_by_band"]
    assert story(given, "bob") == ["rest 5 reached", "rest 9 unchanged"]


def test_a_holder_of_a_share_that_has_no_seats_any_more_stays_while_its_exact_line_is_kept() -> None:
    # 0.25 of 4 is a seat; of 3 it is 0.75 and rank 1 misses it; with a band of 0.5 it is 1.125 and rank 1 keeps it
    three = {"c1": 999, "c2": 998, "c3": 997, "c4": 0}
    nights = {"01-01": hundred(4), "01-02": three}
    assert story(case(policy(share("A", "0.25")), nights), "c1")[1] == "rest 7 demoted"
    banded = policy(share("A", "0.25"), demotion_band=Fraction("0.5"))
    assert story(case(banded, nights), "c1")[1] == "A 8 held_by_band"


def test_who_falls_to_zero_misses_every_share() -> None:
    p = policy(share("A", "1"), demotion_band=Fraction("0.9"))
    assert story(case(p, {"01-01": {"ann": 5}, "01-02": {"ann": 0}}), "ann") == ["A 5 reached", "rest 7 demoted"]


# --- several conditions


MUCH_AND_OFTEN = both("A", Condition("at_least", Fraction(100)), Condition("at_least", Fraction(4), "orders_12m"))


def buys(money: object, orders: object) -> dict[str, object]:
    return {"net_revenue_12m": money, "orders_12m": orders}


@pytest.mark.parametrize(
    ("money", "orders", "tier"), [(100, 4, "A"), (99, 4, "rest"), (100, 3, "rest"), (100, None, "rest")]
)
def test_all_conditions_must_hold(money: int, orders: int | None, tier: str) -> None:
    assert tiers(case(policy(MUCH_AND_OFTEN), {"01-01": {"ann": buys(money, orders)}})) == {"ann": tier}


def test_one_condition_missed_is_a_tier_missed_and_all_must_be_cleared() -> None:
    p = policy(MUCH_AND_OFTEN, promotion_band=Fraction("0.5"), demotion_band=Fraction("0.5"))
    nights = {
        "01-01": {"ann": buys(100, 4)},
        "01-02": {"ann": buys(900, 2)},
        "01-03": {"ann": buys(900, 1)},
        "01-04": {"ann": buys(900, 5)},
        "01-05": {"ann": buys(900, 6)},
    }
    assert story(case(p, nights), "ann") == [
        "A 5 reached",
        "A 8 held_by_band",
        "rest 7 demoted",
        "rest 8 held_by_band",
        "A 6 promoted",
    ]


def test_a_share_in_a_condition_ranks_by_its_own_measure_and_counts_those_above_zero_in_it() -> None:
    tier = both("A", Condition("top_share", Fraction("0.5"), "orders_12m"))
    night = {"ann": buys(10, 9), "bob": buys(90, 8), "cid": buys(80, 0), "dee": buys(70, None)}
    given = case(policy(tier), {"01-01": night})
    assert tiers(given) == {"ann": "A", "bob": "rest", "cid": "rest", "dee": "rest"}
    assert [x.rank_position for x in decide(given)] == [4, 1, 2, 3]


# --- row 1 and 2


ABC = policy(at_least("A", "100"), at_least("B", "50"))


def test_row_1_an_override_is_in_force_to_its_last_day_and_expires_by_itself() -> None:
    o = Override("ann", "A", d("01-02"), d("01-03"), d("01-01"))
    given = case(ABC, {f"01-0{n}": {"ann": 60} for n in range(1, 5)}, overrides=(o,))
    assert story(given, "ann") == ["B 5 reached", "A 1 override", "A 1 override", "B 2 override_ended"]
    assert [x.by_override for x in decide(given)] == [False, True, True, False]
    assert [x.tier_since.day for x in decide(given)] == [1, 2, 2, 4]


def test_an_override_acts_from_the_day_it_is_known_and_a_newer_version_shortens_it() -> None:
    old = Override("ann", "A", d("01-01"), None, d("01-02"), replaced_on=d("01-04"))
    new = Override("ann", "A", d("01-01"), d("01-03"), d("01-04"))
    given = case(ABC, {f"01-0{n}": {"ann": 60} for n in range(1, 5)}, overrides=(old, new))
    assert story(given, "ann") == ["B 5 reached", "A 1 override", "A 1 override", "B 2 override_ended"]


def test_an_override_acts_on_who_is_not_eligible_and_its_tier_is_graded() -> None:
    o = Override("ann", "A", d("01-01"), d("01-01"), d("01-01"))
    nights = {"01-01": {"ann": None}, "01-02": {"ann": None}}
    given = case(ABC, nights, overrides=(o,))
    assert [(x.tier, x.graded, x.reason) for x in decide(given)] == [
        ("A", "graded", "override"),
        (None, "not_graded", "override_ended"),
    ]
    provisional = case(replace(ABC, otherwise="provisional"), nights, overrides=(o,))
    assert [(x.tier, x.graded) for x in decide(provisional)] == [("A", "graded"), ("rest", "provisional")]


def test_an_override_to_a_tier_that_the_version_does_not_have_is_not_in_force() -> None:
    o = Override("ann", "ghost", d("01-01"), None, d("01-01"))
    assert story(case(ABC, {"01-01": {"ann": 60}}, overrides=(o,)), "ann") == ["B 5 reached"]


def test_row_2_knows_no_band_no_stay_and_no_steps() -> None:
    o = Override("ann", "A", d("01-01"), d("01-01"), d("01-01"))
    p = replace(ABC, minimum_stay_days=90, maximum_steps_down=1, demotion_band=Fraction("0.9"), grace_days=9)
    given = case(p, {"01-01": {"ann": 1}, "01-02": {"ann": 1}}, overrides=(o,))
    assert story(given, "ann") == ["A 1 override", "rest 2 override_ended"]


def test_the_overridden_are_ranked_and_counted_as_if_there_were_no_override() -> None:
    o = Override("ann", "rest", d("01-01"), None, d("01-01"))
    given = case(policy(share("A", "0.5")), {"01-01": {"ann": 9, "bob": 8}}, overrides=(o,))
    assert [(x.customer, x.tier, x.rank_position) for x in decide(given)] == [("ann", "rest", 1), ("bob", "rest", 2)]


def test_a_manual_tier_is_never_reached_and_always_missed() -> None:
    o = Override("ann", "hand", d("01-01"), d("01-01"), d("01-01"))
    given = case(policy(HAND, at_least("A", "1")), {"01-01": {"ann": 9}, "01-02": {"ann": 9}}, overrides=(o,))
    assert story(given, "ann") == ["hand 1 override", "A 2 override_ended"]
    was = policy(at_least("hand", "5"), at_least("A", "1"))
    now = policy(HAND, at_least("A", "1"), version="v2")
    given = case({"01-01": was, "01-02": now}, {"01-01": {"ann": 9}, "01-02": {"ann": 9}})
    assert story(given, "ann") == ["hand 5 reached", "A 7 demoted"]
    assert decisions(given)["01-02", "ann"].cause == "policy_changed"


# --- rows 3 and 4


LATER = policy(at_least("A", "100"), after_days=5)


def test_row_3_who_bought_too_late_is_not_graded_until_the_day_itself() -> None:
    nights = {"01-04": {"ann": 500}, "01-05": {"ann": 500}, "01-06": {"ann": 500}}
    given = case(LATER, nights, first_sale={"ann": "01-01"})
    assert story(given, "ann") == ["None 3 not_graded", "None 3 not_graded", "A 5 reached"]
    assert [x.tier_since.day for x in decide(given)] == [4, 4, 6]
    assert [x.is_change for x in decide(given)] == [True, False, True]


def test_row_3_provisional_is_one_behind_its_equals_and_takes_no_seat() -> None:
    p = policy(share("A", "0.5"), after_days=5, otherwise="provisional")
    night = {"ann": 9, "bob": 8, "cid": 7, "dee": 1, "eve": 8, "fay": 99}
    given = case(p, {"01-02": night}, first_sale={"eve": "01-01", "fay": "01-01"})
    assert [(x.customer, x.tier, x.graded, x.rank_position) for x in decide(given)] == [
        ("ann", "A", "graded", 1),
        ("bob", "A", "graded", 2),
        ("cid", "rest", "graded", 3),
        ("dee", "rest", "graded", 4),
        ("eve", "rest", "provisional", 3),
        ("fay", "A", "provisional", 1),
    ]


def test_becoming_graded_in_the_same_tier_restarts_tier_since() -> None:
    p = replace(LATER, otherwise="provisional")
    given = case(p, {"01-05": {"ann": 500}, "01-06": {"ann": 500}}, first_sale={"ann": "01-01"})
    last = decisions(given)["01-06", "ann"]
    assert (last.tier, last.tier_since, last.from_tier, last.from_graded, last.is_change, last.is_new) == (
        "A",
        d("01-06"),
        "A",
        "provisional",
        True,
        False,
    )


def test_a_null_measure_is_not_eligible_and_not_last() -> None:
    given = case(ABC, {"01-01": {"ann": None, "bob": 60}})
    assert story(given, "ann") == ["None 3 not_graded"]
    covered = replace(ABC, minimum_coverage=Fraction(0))
    given = case(covered, {"01-01": {"ann": None, "bob": 60}})
    assert [(x.tier, x.rank_position) for x in decide(given)] == [("rest", 2), ("B", 1)]


def test_row_4_who_is_not_eligible_any_more_keeps_a_graded_tier_but_no_run() -> None:
    p = policy(at_least("A", "100"), confirm_days=2)
    nights = {"01-01": {"ann": 5}, "01-02": {"ann": 500}, "01-03": {"ann": None}, "01-04": {"ann": 500}}
    given = case(p, nights)
    assert story(given, "ann") == [
        "rest 5 reached",
        "rest 6 held_by_confirmation",
        "rest 4 held_not_eligible",
        "rest 6 held_by_confirmation",
    ]
    assert decisions(given)["01-03", "ann"].runs == ()


# --- row 5


def test_row_5_existing_tiers_hold_on_the_first_decided_day_only_eligible_or_not() -> None:
    told = (
        Existing("ann", "A", d("01-01")),
        Existing("bob", "A", d("01-02")),
        Existing("cid", "B", d("2023-12-01"), replaced_on=d("2023-12-30")),
        Existing("cid", "A", d("2023-12-30")),
        Existing("dee", "ghost", d("01-01")),
    )
    night = {"ann": None, "bob": 1, "cid": 1, "dee": 1}
    given = case(replace(ABC, minimum_stay_days=9), {"01-01": night, "01-02": night}, existing=told)
    assert story(given, "ann") == ["A 5 existing", "A 4 held_not_eligible"]
    assert story(given, "bob") == ["rest 5 reached", "rest 9 unchanged"]
    assert story(given, "cid") == ["A 5 existing", "A 7 held_by_stay"]
    assert story(given, "dee") == ["rest 5 reached", "rest 9 unchanged"]
    assert decisions(given)["01-02", "cid"].tier_since == d("01-01")


def test_an_existing_tier_is_never_a_manual_one() -> None:
    given = case(policy(HAND), {"01-01": {"ann": 1}}, existing=(Existing("ann", "hand", d("01-01")),))
    assert story(given, "ann") == ["rest 5 reached"]


def test_a_retired_policy_begins_anew() -> None:
    nights = {"01-01": {"ann": 60}, "01-02": {"ann": 60}, "01-03": {"ann": 1}}
    given = case({"01-01": ABC, "01-02": None, "01-03": ABC}, nights, existing=(Existing("ann", "A", d("01-02")),))
    assert story(given, "ann") == ["B 5 reached", "A 5 existing"]
    assert decisions(given)["01-03", "ann"].is_new


# --- row 6


def test_row_6_takes_the_highest_tier_whose_own_run_is_complete() -> None:
    p = replace(ABC, confirm_days=3)
    nights = {"01-01": {"ann": 1}, "01-02": {"ann": 60}, "01-03": {"ann": 200}, "01-04": {"ann": 200}}
    nights["01-05"] = {"ann": 200}
    given = case(p, nights)
    assert story(given, "ann") == [
        "rest 5 reached",
        "rest 6 held_by_confirmation",
        "rest 6 held_by_confirmation",
        "B 6 promoted",
        "A 6 promoted",
    ]
    last = decisions(given)["01-05", "ann"]
    assert (last.changed_from, last.score_before, last.score, last.cause) == (d("01-03"), 60, 200, "behaviour")


def test_a_night_that_did_not_run_breaks_no_run_and_its_days_count() -> None:
    p = replace(ABC, confirm_days=3)
    given = case(p, {"01-01": {"ann": 1}, "01-02": {"ann": 60}, "01-04": {"ann": 60}})
    assert story(given, "ann")[2] == "B 6 promoted"


def test_a_decided_day_that_does_not_count_breaks_a_run() -> None:
    p = replace(ABC, confirm_days=3)
    nights = {"01-01": {"ann": 1}, "01-02": {"ann": 60}, "01-03": {"ann": 49}, "01-04": {"ann": 60}}
    assert story(case(p, nights), "ann")[3] == "rest 6 held_by_confirmation"


def test_the_day_of_grading_begins_a_run_of_clearing() -> None:
    p = policy(at_least("A", "100", cap=1), confirm_days=2)
    night = {"ann": 300, "bob": 200}
    given = case(p, {"01-01": night, "01-02": {"ann": 1, "bob": 200}, "01-03": {"ann": 1, "bob": 200}})
    assert story(given, "bob") == ["rest 5,10 waiting_for_seat", "rest 6,10 waiting_for_seat", "A 6 promoted"]
    assert story(given, "ann") == ["A 5 reached", "A 7 held_by_confirmation", "rest 7 demoted"]
    assert decisions(given)["01-03", "bob"].changed_from == d("01-01")


def test_a_stay_never_blocks_a_promotion() -> None:
    p = replace(ABC, minimum_stay_days=90)
    assert story(case(p, {"01-01": {"ann": 60}, "01-02": {"ann": 100}}), "ann")[1] == "A 6 promoted"


def test_a_promotion_waits_for_the_review_day_and_runs_go_on_between() -> None:
    p = replace(ABC, review_calendar="monthly", confirm_days=2)
    nights = {"01-29": {"ann": 1}, "01-30": {"ann": 60}, "01-31": {"ann": 60}, "02-02": {"ann": 60}}
    assert story(case(p, nights), "ann") == [
        "rest 5 reached",
        "rest 6 held_by_confirmation",
        "rest 6 held_by_calendar",
        "B 6 promoted",
    ]


def test_clearing_a_higher_tier_comes_before_missing_ones_own() -> None:
    often = both("A", Condition("at_least", Fraction(4), "orders_12m"))
    p = policy(often, at_least("B", "50"), confirm_days=2)
    nights = {"01-01": {"ann": buys(60, 1)}, "01-02": {"ann": buys(10, 9)}, "01-03": {"ann": buys(10, 9)}}
    given = case(p, nights)
    assert story(given, "ann") == ["B 5 reached", "B 6 held_by_confirmation", "A 6 promoted"]
    assert [(r.kind, r.tier) for r in decisions(given)["01-02", "ann"].runs] == [("clearing", "A"), ("missing", "B")]


# --- row 7


def test_a_tier_reached_on_1_january_with_a_stay_of_90_can_first_be_lost_on_1_april() -> None:
    p = replace(ABC, minimum_stay_days=90)
    nights = {day: {"ann": 1} for day in ("2023-01-02", "2023-03-31", "2023-04-01")}
    assert story(case(p, {"2023-01-01": {"ann": 60}, **nights}), "ann")[1:] == [
        "B 7 held_by_stay",
        "B 7 held_by_stay",
        "rest 7 demoted",
    ]


def test_confirmation_then_grace_then_stay_then_calendar() -> None:
    p = replace(ABC, confirm_days=2, grace_days=2, minimum_stay_days=6, review_calendar="monthly")
    nights = {"01-25": {"ann": 60}, **{f"01-{n}": {"ann": 1} for n in range(26, 32)}, "02-01": {"ann": 1}}
    assert [x.split(" 7 ")[1] for x in story(case(p, nights), "ann")[1:]] == [
        "held_by_confirmation",
        "held_by_grace",
        "held_by_grace",
        "held_by_stay",
        "held_by_stay",
        "held_by_calendar",
        "demoted",
    ]


def test_steps_down_are_limited_and_a_manual_tier_is_no_step() -> None:
    p = policy(at_least("A", "100"), HAND, at_least("B", "50"), at_least("C", "20"), maximum_steps_down=1)
    nights = {"01-01": {"ann": 100}, "01-02": {"ann": 1}, "01-03": {"ann": 1}, "01-04": {"ann": 1}}
    given = case(p, nights)
    assert story(given, "ann") == ["A 5 reached", "B 7 demoted", "C 7 demoted", "rest 7 demoted"]
    assert [x.is_limited_by_steps for x in decide(given)] == [False, True, True, False]


def test_a_change_of_tier_empties_the_run_of_missing() -> None:
    p = replace(ABC, confirm_days=2, maximum_steps_down=1)
    nights = {"01-01": {"ann": 100}, **{f"01-0{n}": {"ann": 1} for n in range(2, 7)}}
    assert story(case(p, nights), "ann") == [
        "A 5 reached",
        "A 7 held_by_confirmation",
        "B 7 demoted",
        "B 7 held_by_confirmation",
        "rest 7 demoted",
        "rest 9 unchanged",
    ]


def test_who_misses_a_tier_and_reaches_a_higher_one_is_not_demoted() -> None:
    often = both("A", Condition("at_least", Fraction(4), "orders_12m"))
    p = policy(often, at_least("B", "50"), promotion_band=Fraction("0.5"))
    given = case(p, {"01-01": {"ann": buys(60, 1)}, "01-02": {"ann": buys(10, 4)}})
    assert story(given, "ann")[1] == "B 8 held_by_band"


# --- the calendar


@pytest.mark.parametrize(
    ("calendar", "settled", "day", "is_due"),
    [
        ("nightly", "2024-02-03", "2024-02-04", True),
        ("monthly", "2024-01-31", "2024-02-01", True),
        ("monthly", "2024-02-01", "2024-02-29", False),
        ("monthly", "2024-01-20", "2024-02-20", True),
        ("quarterly", "2024-01-31", "2024-03-31", False),
        ("quarterly", "2024-03-31", "2024-04-02", True),
        ("half_yearly", "2024-03-31", "2024-04-02", False),
        ("half_yearly", "2024-06-30", "2024-07-01", True),
        ("anniversary", "2024-05-16", "2024-05-17", True),
        ("anniversary", "2024-05-17", "2025-05-16", False),
    ],
)
def test_a_review_day_has_a_date_of_the_calendar_since_the_last_day(
    calendar: str, settled: str, day: str, is_due: bool
) -> None:
    assert is_review_day(calendar, d(settled), d(day), LONG_AGO) is is_due


@pytest.mark.parametrize(
    ("day", "is_due"),
    [("2023-02-28", False), ("2023-03-01", True), ("2024-02-29", True), ("2024-03-01", False)],
)
def test_the_anniversary_of_29_february_is_1_march_in_other_years(day: str, is_due: bool) -> None:
    assert is_review_day("anniversary", d(day) - timedelta(days=1), d(day), d("2020-02-29")) is is_due


# --- row 10


CAPPED = policy(at_least("A", "100", cap=2), at_least("B", "50"))


def test_seats_go_by_rank_and_who_does_not_fit_waits_in_the_best_tier_it_reaches() -> None:
    given = case(CAPPED, {"01-01": {"ann": 900, "bob": 800, "cid": 700, "dee": 60}})
    assert tiers(given) == {"ann": "A", "bob": "A", "cid": "B", "dee": "B"}
    cid = decisions(given)["01-01", "cid"]
    assert (cid.decision_rows, cid.reason, cid.wanted_tier) == ("5,10", "waiting_for_seat", "A")


def test_equals_sit_together_or_not_at_all_and_close_the_tier_behind_them() -> None:
    given = case(CAPPED, {"01-01": {"ann": 900, "bob": 800, "cid": 800, "dee": 700}})
    assert tiers(given) == {"ann": "A", "bob": "B", "cid": "B", "dee": "B"}
    larger = case(CAPPED, {"01-01": {"ann": 900, "bob": 900, "cid": 900, "dee": 700}})
    assert set(tiers(larger).values()) == {"B"}


def test_a_group_larger_than_the_cap_closes_a_tier_for_one_who_would_fit() -> None:
    one = policy(at_least("A", "100", cap=1))
    assert set(tiers(case(one, {"01-01": {"ann": 900, "bob": 900, "cid": 700}})).values()) == {"rest"}


def test_nobody_is_displaced_to_make_room() -> None:
    nights = {
        "01-01": {"ann": 900, "bob": 800, "cid": 1},
        "01-02": {"ann": 900, "bob": 800, "cid": 9999},
        "01-03": {"ann": 900, "bob": 1, "cid": 9999},
    }
    given = case(CAPPED, nights)
    assert story(given, "cid") == ["rest 5 reached", "B 6,10 waiting_for_seat", "A 6 promoted"]
    assert story(given, "bob") == ["A 5 reached", "A 9 unchanged", "rest 7 demoted"]


def test_overrides_and_the_demoted_sit_above_the_cap_and_leave_newcomers_nothing() -> None:
    p = policy(at_least("A", "100"), at_least("B", "50", cap=1))
    o = Override("bob", "B", d("01-02"), None, d("01-02"))
    nights = {
        "01-01": {"ann": 100, "bob": 1, "cid": 1},
        "01-02": {"ann": 60, "bob": 1, "cid": 70},
    }
    given = case(p, nights, overrides=(o,))
    assert [story(given, n)[1] for n in ("ann", "bob", "cid")] == [
        "B 7 demoted",
        "B 1 override",
        "rest 6,10 waiting_for_seat",
    ]


def test_who_comes_down_from_an_override_is_a_newcomer() -> None:
    o = Override("ann", "A", d("01-01"), d("01-01"), d("01-01"))
    p = policy(at_least("A", "100"), at_least("B", "50", cap=1))
    night = {"ann": 60, "bob": 55}
    given = case(p, {"01-01": night, "01-02": night}, overrides=(o,))
    assert story(given, "ann") == ["A 1 override", "rest 2,10 waiting_for_seat"]
    assert story(given, "bob") == ["B 5 reached", "B 9 unchanged"]


def test_a_riser_that_finds_no_seat_is_never_below_the_tier_it_held_and_sits_there_above_the_cap() -> None:
    p = policy(at_least("A", "100", cap=1), at_least("B", "50", cap=1))
    nights = {
        "01-01": {"ann": 900, "bob": 60, "cid": 1},
        "01-02": {"ann": 900, "bob": 300, "cid": 70},
    }
    given = case(p, nights)
    assert story(given, "bob") == ["B 5 reached", "B 6,10 waiting_for_seat"]
    assert story(given, "cid") == ["rest 5 reached", "rest 6,10 waiting_for_seat"]
    bob = decisions(given)["01-02", "bob"]
    assert (bob.is_change, bob.wanted_tier, bob.tier_since) == (False, "A", d("01-01"))


def test_one_cap_pushes_on_to_the_next() -> None:
    p = policy(at_least("A", "100", cap=1), at_least("B", "50", cap=1))
    given = case(p, {"01-01": {"ann": 900, "bob": 800, "cid": 700}})
    assert [(x.tier, x.wanted_tier) for x in decide(given)] == [("A", None), ("B", "A"), ("rest", "A")]


def test_a_promotion_cut_short_by_a_cap_keeps_its_cause() -> None:
    given = case(CAPPED, {"01-01": {"ann": 900, "bob": 800, "cid": 1}, "01-02": {"ann": 900, "bob": 800, "cid": 999}})
    cid = decisions(given)["01-02", "cid"]
    assert (cid.tier, cid.reason, cid.cause, cid.decision_rows) == ("B", "waiting_for_seat", "behaviour", "6,10")


def test_a_cap_is_per_group() -> None:
    p = policy(at_least("A", "100", cap=1), rank_within="industry")
    groups = {"ann": {"industry": "x"}, "bob": {"industry": "x"}, "cid": {"industry": None}}
    given = case(p, {"01-01": {"ann": 900, "bob": 800, "cid": 200}}, attributes=groups)
    assert tiers(given) == {"ann": "A", "bob": "rest", "cid": "A"}


def test_no_cap_concerns_the_provisional() -> None:
    p = policy(at_least("A", "100", cap=1), after_days=9, otherwise="provisional")
    given = case(p, {"01-02": {"ann": 900, "bob": 950}}, first_sale={"bob": "01-01"})
    assert [(x.tier, x.graded, x.reason) for x in decide(given)] == [
        ("A", "graded", "reached"),
        ("A", "provisional", "provisional"),
    ]


# --- who comes and goes


def test_who_leaves_is_told_once_and_comes_back_with_nothing() -> None:
    p = replace(ABC, applies_to=(("channel", frozenset({"web"})),), demotion_band=Fraction("0.9"))
    where = {("01-02", "ann"): {"channel": "shop"}, ("01-03", "ann"): {}, "ann": {"channel": "web"}}
    nights = {"01-01": {"ann": 100}, "01-02": {"ann": 100}, "01-03": {"ann": 100}, "01-04": {"ann": 60}}
    given = case(p, nights, attributes=where)
    assert story(given, "ann") == ["A 5 reached", "None None left_population", "B 5 reached"]
    gone, back = decisions(given)["01-02", "ann"], decisions(given)["01-04", "ann"]
    assert (gone.graded, gone.from_tier, gone.is_change, gone.is_new) == ("not_graded", "A", True, False)
    assert (back.from_tier, back.is_new, back.tier_since) == (None, True, d("01-04"))


def test_who_never_bought_is_in_no_population() -> None:
    given = case(ABC, {"01-01": {"ann": 60, "bob": None}}, first_sale={"bob": "01-02"})
    assert tiers(given) == {"ann": "B"}


# --- versions


def test_a_new_version_carries_tier_stay_and_runs_by_the_name_of_the_tier() -> None:
    was = policy(at_least("A", "100"), at_least("B", "50"), confirm_days=3)
    now = policy(at_least("B", "60"), confirm_days=3, version="v2")
    nights = {"01-01": {"ann": 60}, "01-02": {"ann": 40}, "01-03": {"ann": 40}, "01-04": {"ann": 40}}
    given = case({"01-01": was, "01-03": now}, nights)
    assert story(given, "ann") == [
        "B 5 reached",
        "B 7 held_by_confirmation",
        "B 7 held_by_confirmation",
        "rest 7 demoted",
    ]
    last = decisions(given)["01-04", "ann"]
    assert (last.changed_from, last.cause, last.policy_version, last.tier_rank) == (d("01-02"), "behaviour", "v2", 2)


def test_who_holds_a_tier_that_exists_no_longer_holds_none() -> None:
    now = policy(at_least("A", "100"), version="v2", minimum_stay_days=90)
    given = case({"01-01": ABC, "01-02": now}, {"01-01": {"ann": 60}, "01-02": {"ann": 60}, "01-03": {"ann": 60}})
    assert story(given, "ann") == ["B 5 reached", "rest 5 reached", "rest 9 unchanged"]
    assert [x.cause for x in decide(given)] == [None, "policy_changed", "policy_changed"]
    assert [x.from_tier for x in decide(given)] == [None, "B", "rest"]


def test_a_run_goes_on_while_the_tier_held_is_taken_away() -> None:
    # ann clears A from the 2nd on; B is gone on the 3rd, and on the 4th the three days are complete
    was = policy(at_least("A", "100"), at_least("B", "50"), confirm_days=3)
    now = policy(at_least("A", "100", cap=1), version="v2", confirm_days=3)
    first = {"ann": 60, "bob": 300}
    nights = {
        "01-01": first,
        **{f"01-0{n}": {"ann": 200, "bob": 300} for n in (2, 3, 4)},
        "01-05": {"ann": 200, "bob": 1},
    }
    given = case({"01-01": was, "01-03": now}, nights)
    assert story(given, "ann")[:4] == [
        "B 5 reached",
        "B 6 held_by_confirmation",
        "rest 5,10 waiting_for_seat",
        "rest 6,10 waiting_for_seat",
    ]
    assert decisions(given)["01-04", "ann"].runs[0].since == d("01-02")


# --- causes and parts


def test_the_cause_of_a_fall_is_behaviour_others_or_corrected_data() -> None:
    p = policy(share("A", "0.5"))
    first = {"ann": 9, "bob": 8}
    own = case(p, {"01-01": first, "01-02": {"ann": 7, "bob": 8}})
    assert decisions(own)["01-02", "ann"].cause == "behaviour"
    others = case(p, {"01-01": first, "01-02": {"ann": 9, "bob": 10}})
    assert decisions(others)["01-02", "ann"].cause == "others_moved"
    data = case(p, {"01-01": first, "01-02": {"ann": 7, "bob": 8}}, corrected={("01-02", "ann"): 6})
    assert decisions(data)["01-02", "ann"].cause == "data_corrected"


def test_the_cause_is_the_last_step_that_comes_to_the_new_side() -> None:
    # the correction takes ann below the line, its own purchase back above it, the others' below it again
    p = policy(share("A", "0.5"))
    given = case(p, {"01-01": {"ann": 9, "bob": 8}, "01-02": {"ann": 9, "bob": 10}}, corrected={("01-02", "ann"): 6})
    assert decisions(given)["01-02", "ann"].cause == "others_moved"


def test_a_customer_that_moves_to_another_group_has_moved_itself() -> None:
    p = policy(share("A", "0.5"), rank_within="industry")
    night = {"ann": 5, "bob": 9, "cid": 1}
    where = {"bob": {"industry": "x"}, "cid": {"industry": "y"}}
    where |= {("01-01", "ann"): {"industry": "x"}, ("01-02", "ann"): {"industry": "y"}}
    ann = decisions(case(p, {"01-01": night, "01-02": night}, attributes=where))["01-02", "ann"]
    assert (ann.tier, ann.cause) == ("A", "behaviour")


def test_who_comes_into_a_policy_s_population_came_by_itself_or_by_the_policy() -> None:
    p = policy(at_least("A", "100", cap=1), applies_to=(("channel", frozenset({"web"})),))
    where = {"bob": {"channel": "web"}, ("01-01", "ann"): {"channel": "shop"}, ("01-02", "ann"): {"channel": "web"}}
    night = {"ann": 200, "bob": 300}
    own = case(p, {"01-01": night, "01-02": night}, attributes=where, corrected={("01-02", "ann"): 250})
    assert [r.cause for r in decisions(own)["01-02", "ann"].runs] == ["behaviour"]
    wider = replace(p, version="v2", applies_to=())
    where |= {("01-02", "ann"): {"channel": "shop"}}
    given = case({"01-01": p, "01-02": wider}, {"01-01": night, "01-02": night}, attributes=where)
    assert [r.cause for r in decisions(given)["01-02", "ann"].runs] == ["policy_changed"]


def test_a_moved_bound_is_a_changed_policy() -> None:
    now = policy(at_least("A", "60"), at_least("B", "50"), version="v2")
    given = case({"01-01": ABC, "01-02": now}, {"01-01": {"ann": 70}, "01-02": {"ann": 90}})
    ann = decisions(given)["01-02", "ann"]
    assert (ann.tier, ann.cause) == ("A", "policy_changed")


def test_a_run_that_begins_on_a_policy_s_first_day_came_with_the_policy() -> None:
    p = policy(at_least("A", "100", cap=1))
    given = case(
        p,
        {"01-01": {"ann": 300, "bob": 200}, "01-02": {"ann": 300, "bob": 200}, "01-03": {"ann": 1, "bob": 250}},
        slid={("01-03", "bob"): 200},
    )
    bob = decisions(given)["01-03", "bob"]
    assert (bob.reason, bob.cause, bob.changed_from, bob.score_before) == (
        "promoted",
        "policy_changed",
        d("01-01"),
        200,
    )
    assert bob.parts is not None
    assert bob.parts["own_behaviour"] == 50


def test_the_parts_of_a_change_sum_from_the_day_before_its_run() -> None:
    p = replace(ABC, confirm_days=2)
    given = case(
        p,
        {"01-01": {"ann": 60}, "01-02": {"ann": 45}, "01-03": {"ann": 30}},
        corrected={("01-02", "ann"): 58, ("01-03", "ann"): 46},
        slid={("01-02", "ann"): 40, ("01-03", "ann"): 31},
    )
    ann = decisions(given)["01-03", "ann"]
    assert (ann.reason, ann.cause, ann.score_before, ann.score) == ("demoted", "behaviour", 60, 30)
    # 60 → 58 → 40 → 45, then 45 → 46 → 31 → 30
    assert ann.parts == {
        "policy": 0,
        "identity": 0,
        "corrected_data": -1,
        "value_model": 0,
        "left_window": -33,
        "own_behaviour": 4,
        "others_moved": 0,
    }


def test_another_measure_is_a_part_of_the_policy() -> None:
    now = policy(at_least("A", "100"), at_least("B", "50"), version="v2", measure="orders_12m")
    nights = {"01-01": {"ann": buys(60, 3)}, "01-02": {"ann": buys(70, 4)}}
    given = case({"01-01": ABC, "01-02": now}, nights, slid={("01-02", "ann"): buys(60, 3)})
    ann = decisions(given)["01-02", "ann"]
    assert (ann.tier, ann.cause, ann.score_before, ann.score) == ("rest", "policy_changed", 60, 4)
    assert ann.parts is not None
    assert (ann.parts["policy"], ann.parts["own_behaviour"]) == (-57, 1)
