"""What follows from the decision table, seen on the SQL's own answers over many histories under many policies."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pytest

from . import batch
from .histories import FOLLOWED, by_sql, few, generated, part
from .oracle import Case, Member, Override, Policy, population

Row = dict[str, Any]


@dataclass(frozen=True)
class Night:
    """One case on one day: what came in, and what the SQL made of it."""

    case: Case
    day: date
    policy: Policy
    members: dict[str, Member]
    rows: dict[str, Row]
    before: dict[str, Row]  # of the decided day before; nothing on the policy's first

    @property
    def is_same_version(self) -> bool:
        return all(row["policy_version"] == self.policy.version for row in self.before.values())

    def override(self, customer: str) -> Override | None:
        """In force, were its tier one of the policy's."""
        for o in self.case.overrides:
            is_known = o.known_on <= self.day and (o.replaced_on is None or o.replaced_on > self.day)
            is_on = o.starts_on <= self.day and (o.ends_on is None or o.ends_on >= self.day)
            if o.customer == customer and is_known and is_on:
                return o
        return None

    def groups(self) -> set[str | None]:
        return {m.group for m in self.members.values()}

    def holders(self, tier: str, group: str | None) -> dict[str, Row]:
        return {
            name: row
            for name, row in self.rows.items()
            if (row["tier"], row["graded"]) == (tier, "graded") and self.members[name].group == group
        }

    def told(self, customer: str) -> str:
        return f"{self.case.name} {self.day} {customer}: {self.rows[customer]}\n{batch.picture(self.case, self.day)}"


@pytest.fixture(
    scope="module",
    params=[pytest.param(b, marks=[pytest.mark.slow] if n else []) for n, b in enumerate(FOLLOWED)],
    ids=str,
)
def nights(request: pytest.FixtureRequest, home: Path) -> list[Night]:
    return list(_nights(generated(request.param), by_sql(home, request.param)))


def _nights(cases: Sequence[Case], got: batch.Got) -> Iterator[Night]:
    rows: dict[tuple[str, date], dict[str, Row]] = defaultdict(dict)
    for (name, day, customer), row in got.items():
        rows[name, day][customer] = row
    for case in cases:
        before: dict[str, Row] = {}
        for day in case.days:
            policy = case.policy(day)
            today = rows[case.name, day]
            if policy is not None:
                yield Night(case, day, policy, population(case, day, policy), today, before)
            else:
                assert not today
            before = {n: r for n, r in today.items() if r["reason"] != "left_population"}


def test_everybody_of_the_population_is_decided_once_and_nobody_else(nights: list[Night]) -> None:
    for night in nights:
        gone = {name for name, row in night.rows.items() if row["reason"] == "left_population"}
        assert night.rows.keys() - gone == night.members.keys(), (night.case.name, night.day)
        assert gone == night.before.keys() - night.members.keys(), (night.case.name, night.day)


def test_no_newcomer_takes_a_tier_above_its_cap(nights: list[Night]) -> None:
    seen = 0
    for night in nights:
        for tier in night.policy.tiers:
            for group in night.groups() if tier.seat_cap is not None else ():
                holders = night.holders(tier.name, group)
                newcomers = [name for name, row in holders.items() if _took_a_seat(row)]
                seen += len(newcomers)
                assert not newcomers or len(holders) <= tier.seat_cap, night.told(newcomers[0])
    assert seen > 80


def _took_a_seat(row: Row) -> bool:
    """By row 2, 5 `reached` or 6; who fell back on the tier it held keeps its seat."""
    row_of_table = (row["decision_rows"] or "").split(",")[0]
    if row_of_table == "6":
        return row["tier"] != row["from_tier"]
    return row_of_table in ("2", "5") and row["reason"] != "existing"


STANDS_ABOVE = {
    "override",
    "existing",
    "demoted",
    "held_by_stay",
    "held_by_band",
    "held_by_confirmation",
    "held_by_grace",
    "held_by_calendar",
    "held_not_eligible",
    "waiting_for_seat",  # holds its own tier while it waits for a higher one
}


def test_a_share_stands_above_its_seats_only_with_a_reason(nights: list[Night]) -> None:
    seen = 0
    for night in nights:
        for tier in night.policy.tiers:
            for group in night.groups() if tier.kind == "top_share" else ():
                holders = night.holders(tier.name, group)
                values = [
                    m.numbers.get(night.policy.measure)
                    for m in night.members.values()
                    if m.is_eligible and m.group == group
                ]
                seats = floor(tier.conditions[0].line * sum(v is not None and v > 0 for v in values))
                without = {n: r for n, r in holders.items() if r["reason"] not in STANDS_ABOVE}
                for name, row in without.items():
                    assert row["rank_position"] <= seats or night.rows[name]["wanted_tier"], night.told(name)
                if len(holders) > seats:
                    seen += 1
                    assert len(without) <= seats
                    assert len(without) < len(holders)
    assert seen > 20


def test_a_cap_is_passed_only_with_a_reason(nights: list[Night]) -> None:
    seen = 0
    for night in nights:
        for tier in night.policy.tiers:
            for group in night.groups() if tier.seat_cap is not None else ():
                holders = night.holders(tier.name, group)
                if len(holders) > tier.seat_cap:
                    seen += 1
                    assert not any(_took_a_seat(row) for row in holders.values())
    assert seen > 5


def test_equals_in_all_that_is_read_and_in_state_never_differ(nights: list[Night]) -> None:
    seen = 0
    for night in nights:
        alike: dict[Any, list[str]] = defaultdict(list)
        for name, member in night.members.items():
            alike[_all_that_is_read(night, name, member)].append(name)
        for names in alike.values():
            seen += len(names) - 1
            answers = {
                tuple(str(night.rows[n][c]) for c in ("tier", "graded", "reason", "decision_rows", "rank_position"))
                for n in names
            }
            assert len(answers) == 1, "\n".join(night.told(n) for n in names)
    assert seen > 50


def _all_that_is_read(night: Night, name: str, member: Member) -> tuple[Any, ...]:
    had, override = night.before.get(name), night.override(name)
    state = None
    if had:
        runs = sorted((r["kind"], r["tier"], r["since"]) for r in had["runs"] or ())
        state = (had["tier"], had["graded"], had["tier_since"], had["by_override"], tuple(runs))
    policy = night.policy
    read = {policy.measure, *policy.then_by, *(c.measure for t in policy.tiers for c in t.conditions if c.measure)}
    return (
        tuple(member.numbers.get(m) for m in sorted(read)),
        member.group,
        member.is_eligible,
        member.first_sale_on if policy.review_calendar == "anniversary" else None,
        override and override.tier,
        tuple((e.tier, e.known_on) for e in night.case.existing if e.customer == name),
        state,
    )


def test_nobody_is_demoted_within_the_stay(nights: list[Night]) -> None:
    seen = 0
    for night in nights:
        for name, row in night.rows.items():
            had = night.before.get(name)
            if not had or had["graded"] != "graded" or row["reason"] == "left_population":
                continue
            if had["by_override"] or row["by_override"]:
                continue
            if had["policy_version"] != night.policy.version:
                continue
            is_within = (night.day - had["tier_since"]).days < night.policy.minimum_stay_days
            seen += is_within
            assert not is_within or row["tier_rank"] <= had["tier_rank"], night.told(name)
    assert seen > 20


def test_an_override_never_outlives_its_date(nights: list[Night]) -> None:
    seen = 0
    for night in nights:
        for name, row in night.rows.items():
            override = night.override(name) if name in night.members else None
            is_in_force = bool(override and night.policy.tier(override.tier))
            seen += is_in_force
            assert (row["reason"] == "override") is row["by_override"] is is_in_force, night.told(name)
            assert not is_in_force or row["tier"] == override.tier, night.told(name)
    assert seen > 80


def test_every_tier_and_its_day_come_from_the_decision_before(nights: list[Night]) -> None:
    for night in nights:
        for name, row in night.rows.items():
            had = night.before.get(name, {})
            assert (row["from_tier"], row["from_graded"]) == (had.get("tier"), had.get("graded")), night.told(name)
            is_gone = row["reason"] == "left_population"
            is_change = not had or is_gone or (row["tier"], row["graded"]) != (had["tier"], had["graded"])
            assert row["is_change"] is is_change, night.told(name)
            if not is_gone:
                assert row["tier_since"] == (night.day if is_change else had["tier_since"]), night.told(name)


def test_the_parts_of_a_change_sum_to_it(nights: list[Night]) -> None:
    for night in nights:
        for name, row in night.rows.items():
            if row["is_change"] and row["reason"] != "left_population":
                parts = sum(Fraction(row[f"part_{part}"]) for part in batch.PARTS)
                assert parts == Fraction(row["score"] or 0) - Fraction(row["score_before"] or 0), night.told(name)


# --- what moves nothing


def _bare(got: batch.Got) -> dict[Any, dict[str, Any]]:
    """Decisions without the order of their runs."""
    return {at: {**row, "runs": sorted(map(str, row["runs"] or ()))} for at, row in got.items()}


def test_neither_the_order_of_rows_nor_deciding_again_matters(home: Path) -> None:
    """Nor do the policies that stand beside: of a larger batch the same cases have the same decisions."""
    which = FOLLOWED[0]
    cases, laid = few(which), _bare(part(by_sql(home, which), few(which)))
    assert laid
    tables = batch.tables(cases, cases[0].days)
    build_file = batch.lay(home / "shuffled" / "build.duckdb", tables, shuffle=random.Random(1))
    assert _bare(batch.decided(build_file)) == laid
    assert _bare(batch.decided(build_file)) == laid


def test_nights_and_one_backfill_agree(home: Path) -> None:
    cases = few(FOLLOWED[1], days=5)
    by_nights, last = batch.decide_by_nights(home, cases)
    at_once = batch.lay(home / "at once" / "build.duckdb", batch.tables(cases, cases[0].days))
    assert _bare(by_nights) == _bare(batch.decided(at_once))
    assert batch.logged(last) == batch.logged(at_once)
    assert len(batch.logged(last)["tier_decisions"]) > len(cases)
