"""A company's policies and customers, decided a second time by the oracle, beside what its release says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from .oracle import PARTS, Case, Condition, Decision, Policy, Tier, Value, decide

Values = Mapping[str, Value]  # by customer
_LINES = ("top_share", "at_least", "above")


def policies(file: Path) -> dict[str, Policy]:
    """The policies of a file that rank by one measure, as they are written there, shares and bounds to the digit."""
    import yaml

    return {
        name: _policy(said)
        for name, said in yaml.load(file.read_text(), yaml.BaseLoader).items()
        if "score" not in said
    }


def _policy(said: Mapping[str, Any]) -> Policy:
    known = {"status", "primary", "labels", "measure", "then_by", "eligible", "tiers", "stability", "review_calendar"}
    assert said.keys() <= known, said.keys() - known
    eligible, stability = said.get("eligible", {}), dict(said.get("stability", {}))
    bands = {name: Fraction(stability.pop(name)) for name in ("promotion_band", "demotion_band") if name in stability}
    return Policy(
        version="v1",
        tiers=tuple(_tier(tier) for tier in said["tiers"]),
        measure=said["measure"],
        then_by=tuple(said.get("then_by", ())),
        after_days=int(eligible.get("after_days", 0)),
        otherwise=eligible.get("otherwise", "not_graded"),
        review_calendar=said.get("review_calendar", "nightly"),
        **bands,
        **{name: int(value) for name, value in stability.items()},
    )


def _tier(said: Mapping[str, Any]) -> Tier:
    (kind,) = said.keys() - {"tier", "labels", "seat_cap"}
    listed = said["all"] if kind == "all" else [said] if kind in _LINES else []
    conditions = [
        Condition(line, Fraction(c[line]), c.get("measure", "")) for c in listed for line in _LINES if line in c
    ]
    seat_cap = int(said["seat_cap"]) if "seat_cap" in said else None
    return Tier(said["tier"], kind, tuple(conditions), seat_cap)


def case(name: str, policy: Policy, days: Mapping[date, Values], slid: Mapping[date, Values] | None = None) -> Case:
    """A company of which nobody says anything and nothing becomes known late: `days`, and `slid` where it differs."""
    values = {(day, "day", customer): value for day, on in days.items() for customer, value in on.items()}
    values |= {(day, "slid", customer): value for day, on in (slid or {}).items() for customer, value in on.items()}
    return Case(
        days=tuple(days),
        policies=((min(days), policy),),
        attributes={(day, customer): {} for day, on in days.items() for customer in on},
        values=values,
        name=name,
    )


def differences(company: Any, case: Case) -> dict[str, list[str]]:
    """What the release says otherwise than the oracle, by mart; and that neither of them says nothing."""
    decisions = decide(case)
    told = {}
    for mart, expected, columns in (
        ("dim_customer_tiers", _last(decisions, case.days[-1]), _LAST),
        ("tier_history", list(_intervals(decisions)), _INTERVAL),
        ("fct_tier_changes", list(_changes(decisions)), _CHANGE),
    ):
        ours = {_shown(row) for row in expected}
        rows = company.marts(f"""
            select customer_id, {", ".join(columns)}
            from {mart} join dim_customer_ids using (customer_key) where policy = '{case.name}'""")
        theirs = {_shown(row) for row in rows}
        assert ours, mart
        assert len(rows) == len(theirs), mart
        told[mart] = sorted(f"oracle: {row}" for row in ours - theirs) + sorted(f"mart: {r}" for r in theirs - ours)
    return told


_LAST = (
    *("tier", "tier_rank", "graded", "reason", "cause", "decision_rows", "is_limited_by_steps", "tier_since"),
    *("score", "rank_position"),
)
_INTERVAL = ("valid_from", "valid_to", "tier", "tier_rank", "graded", "reason", "cause")
_CHANGE = (
    *("as_of", "from_tier", "to_tier", "from_graded", "to_graded", "reason", "cause", "decision_rows"),
    *("is_limited_by_steps", "changed_from", "score_before", "score"),
    *(f"part_{part}" for part in PARTS),
)


def _last(decisions: Sequence[Decision], day: date) -> list[tuple[Any, ...]]:
    return [
        (d.customer, *(getattr(d, column) for column in _LAST))
        for d in decisions
        if d.as_of == day and d.reason != "left_population"
    ]


def _intervals(decisions: Sequence[Decision]) -> Iterator[tuple[Any, ...]]:
    ends: dict[str, date] = {}
    for d in reversed(decisions):
        if d.is_change:
            if d.reason != "left_population":
                yield d.customer, d.as_of, ends.get(d.customer), d.tier, d.tier_rank, d.graded, d.reason, d.cause
            ends[d.customer] = d.as_of - timedelta(days=1)


def _changes(decisions: Sequence[Decision]) -> Iterator[tuple[Any, ...]]:
    for d in decisions:
        was_waiting = d.from_graded in (None, "provisional", "not_graded")
        if not d.is_change or d.tier == d.from_tier or (was_waiting and d.graded == "graded" and not d.is_new):
            continue
        moved = (d.from_tier, d.tier, d.from_graded, d.graded, d.reason, d.cause, d.decision_rows)
        parts = (d.parts[part] if d.parts is not None else None for part in PARTS)
        yield d.customer, d.as_of, *moved, d.is_limited_by_steps, d.changed_from, d.score_before, d.score, *parts


def _shown(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(Fraction(value)) if isinstance(value, Decimal | Fraction) else str(value) for value in row)
