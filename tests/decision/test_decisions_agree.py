"""The SQL and the oracle decide the same companies, and agree on every column of every decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from . import batch
from .histories import HELD_AGAINST_THE_ORACLE, Batch, by_sql, by_the_oracle, generated
from .oracle import Case, Decision, Policy, Someone, Tier, clears, decide, misses, population, reaches

EACH_BATCH = pytest.mark.parametrize(
    "which",
    [pytest.param(b, marks=[pytest.mark.slow] if n else []) for n, b in enumerate(HELD_AGAINST_THE_ORACLE)],
    ids=str,
)


@EACH_BATCH
def test_sql_and_oracle_agree(home: Path, which: Batch) -> None:
    cases = generated(which)
    differing = disagreements(cases, by_the_oracle(which), by_sql(home, which))
    assert not differing, report(cases, differing)


@EACH_BATCH
def test_a_gap_leads_just_to_the_line(home: Path, which: Batch) -> None:
    wrong = [told for case in generated(which) for told in _wrong_gaps(case, by_sql(home, which))]
    assert not wrong, "\n".join([f"{len(wrong)} gaps", *wrong[:30]])


def test_the_cases_come_to_every_row_and_every_reason() -> None:
    decisions = [d for which in HELD_AGAINST_THE_ORACLE for case in by_the_oracle(which).values() for d in case]
    found = Counter(word for d in decisions for word in (d.reason, d.decision_rows))
    rows = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "2,10", "5,10", "6,10", None}
    reasons = {"override", "override_ended", "not_graded", "provisional", "held_not_eligible", "existing", "reached"}
    reasons |= {"promoted", "demoted", "unchanged", "waiting_for_seat", "left_population"}
    reasons |= {f"held_by_{what}" for what in ("confirmation", "grace", "stay", "calendar", "band")}
    assert set(found) == rows | reasons
    assert min(found.values()) >= 5, found
    causes = Counter(d.cause for d in decisions)
    assert set(causes) == {None, "policy_changed", "data_corrected", "model_refitted", "behaviour", "others_moved"}
    assert min(causes.values()) >= 5, causes


def disagreements(cases: Sequence[Case], ours: Mapping[str, list[Decision]], got: batch.Got) -> list[str]:
    return [told for case in cases for told in batch.differences(case, ours[case.name], got)]


def report(cases: Sequence[Case], differing: Sequence[str]) -> str:
    """The first differences of every column, and the company of the first one as it stood that day."""
    columns = Counter(told.split(": ", 1)[1].split(" ", 1)[0] for told in differing)
    by_name = {case.name: case for case in cases}
    name, day, customer = differing[0].split(":", 1)[0].split(" ")
    case = by_name[name]
    story = [str(d) for d in decide(case) if d.customer == customer and str(d.as_of) <= day]
    shown = [f"{len(differing)} differences, by column: {dict(columns)}", *differing[:40]]
    return "\n".join([*shown, batch.picture(case, date.fromisoformat(day)), "the oracle on that customer:", *story])


def _wrong_gaps(case: Case, got: batch.Got) -> Iterator[str]:
    """Gaps that do not lead to the line, tried out: beyond it the customer is on the other side, before it not."""
    for day in case.days:
        policy = case.policy(day)
        members = population(case, day, policy) if policy else {}
        eligible = [m.someone for m in members.values() if m.is_eligible]
        for name, member in members.items():
            row = got[case.name, day, name]
            tier = policy.tier(row["tier"])
            if tier is None or (row["graded"] == "graded" and not member.is_eligible):
                continue
            above = policy.above(tier.name)
            is_held = row["graded"] == "graded"
            crosses = clears if is_held else reaches
            told = f"{case.name} {day} {name}: {row['tier']} {row['graded']} {row['score']}"
            if above and not _leads(policy, above[-1], crosses, eligible, member.someone, row["gap_up"], 1):
                yield f"{told} gap_up {row['gap_up']} to {above[-1]}"
            if is_held and not _leads(policy, tier, misses, eligible, member.someone, row["gap_down"], -1):
                yield f"{told} gap_down {row['gap_down']} from {tier}"


def _leads(
    policy: Policy,
    tier: Tier,
    crosses: Callable[..., bool],
    eligible: Sequence[Someone],
    who: Someone,
    gap: Decimal | None,
    way: int,
) -> bool:
    """Whether the gap is just enough, give or take the smallest difference that the measure can show."""
    measures = {c.measure or policy.measure for c in tier.conditions}
    if not measures or len(measures) > 1:  # no one number leads there; who is there already lacks nothing
        return gap == 0 if way > 0 and crosses(policy, tier, eligible, who) else gap is None
    if who.numbers.get(min(measures)) is None:
        return gap is None or (way < 0 and gap == 0)
    measure = min(measures)
    if measure != policy.measure and gap is None:
        return True  # the rule's measure and the policy's are two
    value, hair = who.numbers[measure], Decimal("0.0002")
    step = Decimal(1) if measure in ("orders_12m", "tenure_days", "interactions_12m") else Decimal("0.01")
    step = Decimal("0.0001") if measure.endswith("_score") else step

    def is_beyond(by: Decimal) -> bool:
        moved = replace(who, numbers={**who.numbers, measure: value + way * by})
        return crosses(policy, tier, eligible, moved)

    if gap is None:
        return not is_beyond(Decimal(10**9))
    return gap >= 0 and is_beyond(gap + hair) and (gap <= step or not is_beyond(gap - step - hair))
