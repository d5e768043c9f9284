"""Companies at random under policies at random: many ties, zeros, nulls, comings and goings, on few days."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .oracle import Case, Condition, Existing, Override, Part, Policy, Tier, Value

FORECAST = "expected_purchases_12m"
MEASURES = ("net_revenue_12m", "orders_12m", "tenure_days", "interactions_12m", "satisfaction_12m", FORECAST)
COMPLAINTS = "complaints_12m"  # of which less is better: in a score alone
_BOUNDS = {
    "net_revenue_12m": ("-10", "0", "10", "20", "49.99", "50", "100"),
    "orders_12m": ("0", "1", "2", "3", "5"),
    "tenure_days": ("2", "10", "30", "60", "365"),
    "interactions_12m": ("1", "2", "3"),
    "satisfaction_12m": ("33.3333", "50", "66.6667", "75"),
    FORECAST: ("0.5", "1", "2.25", "3"),
    COMPLAINTS: ("1", "2"),
}
_SCORE_BOUNDS = ("0", "12.5", "25", "33.3333", "50", "66.6667", "75", "87.5")
_DIMENSIONS = ("contribution", "potential", "loyalty")
_AMOUNTS = ("-10", "-0.01", "0", "0", "5", "10", "10", "20", "22", "45", "49.99", "50", "50.01", "55", "100", "110")
_ANSWERS = (None, "0", "33.3333", "50", "66.6667", "75", "82.5", "100")
_BEFORE_A_SALE = ("interactions_12m", "satisfaction_12m", COMPLAINTS)
_SHARES = ("0.01", "0.1", "0.2", "0.25", "0.29", "0.3333333333", "0.5", "0.6", "0.75", "1")
_FORECASTS = ("0", "0.4999", "0.5", "1", "1", "2.25", "2.8125", "3", "4.5")
_FIRST_DAYS = ("2023-02-26", "2023-12-27", "2024-01-30", "2024-02-27", "2024-03-28", "2024-06-27", "2024-12-30")


def days(rng: random.Random, count: int) -> tuple[date, ...]:
    """Run days, most of them in a row, some far apart; month and quarter ends and 29 February among them."""
    day = date.fromisoformat(rng.choice(_FIRST_DAYS))
    found = [day]
    for _ in range(count - 1):
        day += timedelta(days=rng.choice((1, 1, 1, 1, 1, 2, 3, 7, 28, 31)))
        found.append(day)
    return tuple(found)


def refits(on: tuple[date, ...]) -> tuple[date, ...]:
    """The days on which the value model is another than before: every third one."""
    return on[2::3]


@functools.cache
def batch(seed: int, size: int, days_decided: int, most_customers: int = 25) -> tuple[Case, ...]:
    """Cases that are decided on the same days."""
    rng = random.Random(seed)
    on = days(rng, days_decided)
    return tuple(case(rng, f"case_{n:04}", on, most_customers) for n in range(1, size + 1))


def case(rng: random.Random, name: str, on: tuple[date, ...], most_customers: int) -> Case:
    customers = [f"{name}_{n:02}" for n in range(1, rng.randint(min(8, most_customers), most_customers) + 1)]
    policies = _versions(rng, on)
    known = {t.name for _, p in policies if p for t in p.tiers}
    attributes: dict[tuple[date, str], dict[str, str | None]] = {}
    values: dict[tuple[date, str, str], Value] = {}
    for customer in customers:
        _live(rng, customer, on, attributes, values)
    names = [*sorted(known), "ghost"]
    return Case(
        days=on,
        policies=tuple(policies),
        attributes=attributes,
        values=values,
        overrides=tuple(o for c in customers if rng.random() < 0.3 for o in _overrides(rng, c, on, names)),
        existing=tuple(
            e for c in customers if rng.random() < 0.15 for e in [Existing(c, rng.choice(names), _about(rng, on[0]))]
        ),
        name=name,
    )


# --- customers


def _live(
    rng: random.Random,
    customer: str,
    on: tuple[date, ...],
    attributes: dict[tuple[date, str], dict[str, str | None]],
    values: dict[tuple[date, str, str], Value],
) -> None:
    """One customer through the days: mostly as yesterday, now and then moving, at times away or not yet there."""
    first_sale = on[0] + timedelta(days=rng.choice((-1500, -400, -366, -365, -90, -30, -3, -1, 0, 1, 3, 10)))
    if rng.random() < 0.1:
        first_sale = date(2020, 2, 29)
    appears = 0 if rng.random() < 0.8 else rng.randrange(len(on))
    has_desk, restless = rng.random() < 0.8, rng.choice((0.1, 0.3, 0.6))
    who: dict[str, str | None] = {
        "region": "here",
        "industry": rng.choice(("x", "x", "y", None)),
        "channel": rng.choice(("web", "web", "web", "shop")),
    }
    now = _anew(rng, has_desk)
    for n in range(appears, len(on)):
        day, before = on[n], on[n - 1] if n > appears else None
        if rng.random() < 0.05:
            who = {**who, "region": None if who["region"] else "here"}
        if rng.random() < 0.05:
            who = {**who, "channel": "shop" if who["channel"] == "web" else "web"}
        if rng.random() < 0.03:
            who = {**who, "industry": rng.choice(("x", "y", None))}
        if rng.random() < 0.01:
            first_sale += timedelta(days=rng.choice((-5, 5)))  # an older sale became known, or one was withdrawn
        if before is not None and rng.random() < 0.15:
            now = _move(rng, now, has_desk)
            values[day, "corrected", customer] = _value(now, first_sale, before)
        if before is not None and day in refits(on):
            base = values.get((day, "corrected", customer), values[before, "day", customer])
            now = {**now, FORECAST: rng.choice(_FORECASTS)}
            forecast = _exact(now[FORECAST]) if base.first_sale_on else None
            values[day, "refitted", customer] = Value(base.first_sale_on, {**base.numbers, FORECAST: forecast})
        slid = now
        if rng.random() < restless:
            slid = _move(rng, now, has_desk) if rng.random() < 0.4 else now
            now = _move(rng, slid, has_desk)
            if before is not None:
                values[day, "slid", customer] = _value(slid, first_sale, before, as_of=day)
        attributes[day, customer] = who
        values[day, "day", customer] = _value(now, first_sale, day)


def _anew(rng: random.Random, has_desk: bool) -> dict[str, Any]:
    return {
        "net_revenue_12m": rng.choice(_AMOUNTS),
        "orders_12m": rng.choice((0, 1, 1, 2, 2, 3, 5)),
        "interactions_12m": rng.choice((0, 0, 1, 2, 3)) if has_desk else None,
        "satisfaction_12m": rng.choice(_ANSWERS),
        FORECAST: rng.choice(_FORECASTS),
        COMPLAINTS: rng.choice((0, 0, 1, 2)) if has_desk else None,
    }


def _move(rng: random.Random, now: Mapping[str, Any], has_desk: bool) -> dict[str, Any]:
    fresh = _anew(rng, has_desk)
    return {m: fresh[m] if rng.random() < 0.6 else v for m, v in now.items()}


def _value(now: Mapping[str, Any], first_sale: date, happened_by: date, as_of: date | None = None) -> Value:
    """Nothing but interactions and answers is known of a customer before the first sale."""
    if happened_by < first_sale:
        return Value(
            None,
            {m: _exact(v) if m in _BEFORE_A_SALE else None for m, v in now.items()} | {"tenure_days": None},
        )
    tenure = ((as_of or happened_by) - first_sale).days
    return Value(first_sale, {m: _exact(v) for m, v in now.items()} | {"tenure_days": Decimal(tenure)})


def _exact(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _about(rng: random.Random, day: date) -> date:
    return day + timedelta(days=rng.choice((-30, -1, 0, 0, 1, 3)))


def _overrides(rng: random.Random, customer: str, on: tuple[date, ...], tiers: list[str]) -> list[Override]:
    """One or two that never overlap: some known late, some open, some shortened by a newer version."""
    starts = rng.choice(on) + timedelta(days=rng.choice((-3, 0, 0, 1)))
    ends = starts + timedelta(days=rng.choice((0, 0, 1, 2, 5, 30)))
    known = _about(rng, starts)
    tier, form = rng.choice(tiers), rng.random()
    if form < 0.25:
        return [Override(customer, tier, starts, None, known)]
    if form < 0.45:
        again = known + timedelta(days=rng.randint(1, 5))
        return [
            Override(customer, tier, starts, None, known, replaced_on=again),
            Override(customer, rng.choice((tier, rng.choice(tiers))), starts, ends, again),
        ]
    first = Override(customer, tier, starts, ends, known)
    if form < 0.7:
        return [first]
    later = ends + timedelta(days=rng.choice((1, 1, 2, 8)))
    return [first, Override(customer, rng.choice(tiers), later, rng.choice((None, later)), _about(rng, later))]


# --- policies


def _versions(rng: random.Random, on: tuple[date, ...]) -> list[tuple[date, Policy | None]]:
    begins = on[0] if rng.random() < 0.9 else on[rng.randrange(1, len(on))]
    versions: list[tuple[date, Policy | None]] = [(begins, _policy(rng))]
    for day in on[1:]:
        if day <= versions[-1][0] or rng.random() > 0.12:
            continue
        last = versions[-1][1]
        if last is None or rng.random() < 0.85:
            known = last or next(p for _, p in reversed(versions) if p)
            versions.append((day, replace(_changed(rng, known), version=f"v{len(versions) + 1}")))
        else:
            versions.append((day, None))
    return versions


def _policy(rng: random.Random) -> Policy:
    score = _score(rng) if rng.random() < 0.4 else ()
    measures = (*MEASURES, *scores_of(score))
    measure = rng.choice(scores_of(score) if score and rng.random() < 0.8 else ("net_revenue_12m", *MEASURES))
    then_by = tuple(rng.sample([m for m in measures if m != measure], rng.choice((0, 0, 1, 2, 3))))
    is_stable = rng.random() < 0.75
    p = Policy(
        version="v1",
        tiers=_tiers(rng, measure, score=score),
        score=score,
        neutral=Fraction(rng.choice((0, 50))) if score and rng.random() < 0.3 else None,
        measure=measure,
        then_by=then_by,
        applies_to=(("region", frozenset({"here"})),),
        rank_within="industry" if rng.random() < 0.3 else None,
        after_days=rng.choice((0, 0, 1, 5, 60)),
        otherwise=rng.choice(("not_graded", "provisional")),
        minimum_coverage=Fraction(rng.choice(("1", "0.5", "0.5", "0.3333", "0") if score else ("1", "1", "1", "0"))),
    )
    if rng.random() < 0.3:
        channels = frozenset(rng.choice((("web",), ("web", "shop"), ("web", "phone"))))
        p = replace(p, applies_to=(*p.applies_to, ("channel", channels)))
    return _restabilised(rng, p) if is_stable else p


def _restabilised(rng: random.Random, p: Policy) -> Policy:
    return replace(
        p,
        promotion_band=Fraction(rng.choice(("0", "0.05", "0.15", "0.5", "0.3333333333"))),
        demotion_band=Fraction(rng.choice(("0", "0.1", "0.25", "0.5", "0.9"))),
        minimum_stay_days=rng.choice((0, 0, 0, 1, 3, 7, 30)),
        grace_days=rng.choice((0, 0, 0, 1, 2, 5)),
        confirm_days=rng.choice((1, 1, 1, 2, 3, 8)),
        maximum_steps_down=rng.choice((None, 1, 1, 2)),
        review_calendar=rng.choice(
            ("nightly", "nightly", "nightly", "nightly", "monthly", "quarterly", "half_yearly", "anniversary")
        ),
    )


def scores_of(score: tuple[Part, ...]) -> tuple[str, ...]:
    """The measures that a score gives."""
    dimensions = dict.fromkeys(part.dimension for part in score if part.dimension)
    return ("value_score", *(f"{name}_score" for name in dimensions)) if score else ()


def _score(rng: random.Random) -> tuple[Part, ...]:
    """Parts in some of the dimensions, or in none, scored by each of the three ways."""
    dimensions = rng.choice(((None,), _DIMENSIONS, tuple(rng.sample(_DIMENSIONS, rng.choice((1, 2))))))
    return tuple(part for name in _in_order(dimensions) for part in _parts(rng, name))


def _in_order(dimensions: tuple[str | None, ...]) -> list[str | None]:
    return sorted(dimensions, key=lambda name: _DIMENSIONS.index(name) if name else 0)


def _parts(rng: random.Random, dimension: str | None) -> list[Part]:
    weight = Fraction(rng.choice(("1", "2", "0.5"))) if dimension else Fraction(1)
    parts = []
    for measure in rng.sample((*MEASURES, COMPLAINTS), rng.choice((1, 1, 2, 3))):
        part = Part(
            measure=measure,
            scored_by=rng.choice(("value_share", "points", "percentile")),
            weight=Fraction(rng.choice((1, 3, 30, "0.7"))),
            dimension=dimension,
            dimension_weight=weight,
            less_is_better=measure == COMPLAINTS,
        )
        if part.less_is_better and part.scored_by == "value_share":
            part = replace(part, scored_by="percentile")
        parts.append(replace(part, bands=_bands(rng, part)) if part.scored_by == "points" else part)
    return parts


def _bands(rng: random.Random, part: Part) -> tuple[tuple[Fraction | None, Fraction], ...]:
    bounds = _BOUNDS[part.measure]
    at_least = sorted((Fraction(b) for b in rng.sample(bounds, rng.choice((1, 2)))), reverse=True)
    points = [part.weight * Fraction(tenths, 10) for tenths in (10, rng.choice((0, 3, 5)), rng.choice((0, 1)))]
    return tuple(zip([*at_least, None], points[: len(at_least)] + points[-1:], strict=True))


def _tiers(rng: random.Random, measure: str, names: str = "ABCDE", score: tuple[Part, ...] = ()) -> tuple[Tier, ...]:
    count = rng.choice((1, 2, 3, 3, 4, 4))
    only = rng.choice(("", "", "top_share", "at_least"))
    kinds = [only or rng.choice(("top_share", "top_share", "at_least", "above", "all", "manual")) for _ in range(count)]
    shares = iter(sorted(Fraction(s) for s in rng.sample(_SHARES, count)))
    measures = (measure, *MEASURES, *scores_of(score))
    bounds = iter(sorted((Fraction(rng.choice(_bounds(measure))) for _ in range(count)), reverse=True))
    tiers = []
    for name, kind in zip(names, kinds, strict=False):
        cap = rng.choice((1, 1, 2, 3, 5)) if kind != "manual" and rng.random() < 0.35 else None
        if kind == "manual":
            conditions: tuple[Condition, ...] = ()
        elif kind == "all":
            conditions = tuple(_condition(rng, rng.choice(measures)) for _ in range(rng.choice((2, 2, 3))))
        else:
            conditions = (Condition(kind, next(shares if kind == "top_share" else bounds)),)
        tiers.append(Tier(name, kind, conditions, cap))
    return (*tiers, Tier("Z", "otherwise"))


def _bounds(measure: str) -> tuple[str, ...]:
    return _BOUNDS.get(measure, _SCORE_BOUNDS)


def _condition(rng: random.Random, measure: str) -> Condition:
    kind = rng.choice(("top_share", "at_least", "above"))
    return Condition(kind, Fraction(rng.choice(_SHARES if kind == "top_share" else _bounds(measure))), measure)


def _changed(rng: random.Random, p: Policy) -> Policy:
    """The next version: another measure, a tier gone or new or by hand, other lines, another stability, or the same."""
    changes = ("measure", "gone", "tiers", "names", "stability", "eligible", "groups", "channels", "nothing")
    change = rng.choice((*changes, *(["score"] * (4 if p.score else 1))))
    if change in ("measure", "score"):
        score = _score(rng) if change == "score" else p.score if rng.random() < 0.5 else ()
        measure = rng.choice(scores_of(score) if change == "score" else (*MEASURES, *scores_of(score)))
        then_by = tuple(m for m in p.then_by if m != measure and m in (*MEASURES, *scores_of(score)))
        p = replace(p, score=score, measure=measure, tiers=_tiers(rng, measure, score=score), then_by=then_by)
    elif change == "gone" and len(p.tiers) > 2:
        gone = rng.randrange(len(p.tiers) - 1)
        p = replace(p, tiers=p.tiers[:gone] + p.tiers[gone + 1 :])
    elif change in ("tiers", "names"):
        p = replace(p, tiers=_tiers(rng, p.measure, "ABCDE" if change == "tiers" else "BADEC", p.score))
    elif change == "stability":
        p = _restabilised(rng, p)
    elif change == "eligible":
        other = "provisional" if p.otherwise == "not_graded" else "not_graded"
        p = replace(p, otherwise=other, after_days=rng.choice((0, 1, 5, 60)))
    elif change == "channels":
        for_whom = frozenset(rng.choice((("web",), ("shop",), ("web", "shop"))))
        p = replace(p, applies_to=(p.applies_to[0], ("channel", for_whom)))
    elif change == "groups":
        p = replace(p, rank_within=None if p.rank_within else "industry")
    return p
