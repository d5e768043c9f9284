"""The decision table of a tier, worked out a second time: from its words alone, one customer after the other.

It shares nothing with what it is held against: no SQL, no code of the package, exact numbers only. Slow on purpose.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import NamedTuple

Numbers = Mapping[str, "Decimal | None"]
Goodness = tuple[tuple[int, Decimal], ...]  # by one measure after the other; null is (0, 0), a number (1, number)
PARTS = (
    "policy",
    "identity",
    "corrected_data",
    "value_model",
    "own_behaviour",
    "left_window",
    "others_moved",
)


# --- what a company is


@dataclass(frozen=True)
class Condition:
    """A line: a share of the eligible, or a bound. Of the policy's own measure, where it names none."""

    kind: str  # top_share, at_least, above
    line: Fraction
    measure: str = ""


@dataclass(frozen=True)
class Tier:
    """`kind` is that of its one condition, or `all`, `manual`, `otherwise`."""

    name: str
    kind: str
    conditions: tuple[Condition, ...] = ()
    seat_cap: int | None = None


@dataclass(frozen=True)
class Part:
    """A part of a score: of a measure, in a dimension (or of the score itself), so much of its weight.

    `bands` of points from the top: who has at least so much gets so many; the last is for all below.
    """

    measure: str
    scored_by: str  # value_share, points, percentile
    weight: Fraction = Fraction(1)
    dimension: str | None = None
    dimension_weight: Fraction = Fraction(1)
    bands: tuple[tuple[Fraction | None, Fraction], ...] = ()
    less_is_better: bool = False


@dataclass(frozen=True)
class Policy:
    """One version of a policy; tiers from the top. `score` makes value_score and the scores of its dimensions."""

    version: str
    tiers: tuple[Tier, ...]
    measure: str = "net_revenue_12m"
    then_by: tuple[str, ...] = ()
    applies_to: tuple[tuple[str, frozenset[str]], ...] = ()
    rank_within: str | None = None
    after_days: int = 0
    otherwise: str = "not_graded"  # or provisional: of who is not eligible
    minimum_coverage: Fraction = Fraction(1)
    promotion_band: Fraction = Fraction(0)
    demotion_band: Fraction = Fraction(0)
    minimum_stay_days: int = 0
    grace_days: int = 0
    confirm_days: int = 1
    maximum_steps_down: int | None = None
    review_calendar: str = "nightly"
    score: tuple[Part, ...] = ()
    neutral: Fraction | None = None  # what a missing part counts as; else its weight goes to the others

    def tier(self, name: str | None) -> Tier | None:
        return next((t for t in self.tiers if t.name == name), None)

    def rank(self, name: str | None) -> int:
        return [t.name for t in self.tiers].index(name) + 1

    def above(self, name: str) -> tuple[Tier, ...]:
        return self.tiers[: self.rank(name) - 1]

    def below(self, name: str) -> tuple[Tier, ...]:
        return self.tiers[self.rank(name) :]


@dataclass(frozen=True)
class Value:
    """What is known of a customer on a day: the day of the first accepted sale, and the measures."""

    first_sale_on: date | None
    numbers: Numbers


@dataclass(frozen=True)
class Override:
    customer: str
    tier: str
    starts_on: date
    ends_on: date | None
    known_on: date
    replaced_on: date | None = None


@dataclass(frozen=True)
class Existing:
    customer: str
    tier: str
    known_on: date
    replaced_on: date | None = None


@dataclass(frozen=True)
class Case:
    """A company under one policy.

    `policies`: the version in force from a day on, None from the day it is retired. `attributes` and `values` by
    (day, customer) and (day, basis, customer); `corrected`, `refitted` and `slid` only where they say their own.
    """

    days: tuple[date, ...]
    policies: tuple[tuple[date, Policy | None], ...]
    attributes: Mapping[tuple[date, str], Mapping[str, str | None]]
    values: Mapping[tuple[date, str, str], Value]
    overrides: tuple[Override, ...] = ()
    existing: tuple[Existing, ...] = ()
    name: str = "case"

    def policy(self, day: date) -> Policy | None:
        return next((p for since, p in sorted(self.policies, key=lambda v: v[0], reverse=True) if since <= day), None)

    def value(self, day: date, basis: str, customer: str) -> Value:
        return self.values.get((day, basis, customer), Value(None, {}))


# --- what is decided


@dataclass(frozen=True)
class Run:
    """An unbroken series of decided days of clearing a higher tier, or of missing the tier held."""

    kind: str  # clearing, missing
    tier: str
    since: date
    cause: str | None = None
    score_before: Decimal | None = None
    parts: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    as_of: date
    policy_version: str
    customer: str
    tier: str | None
    tier_rank: int | None
    graded: str
    reason: str
    cause: str | None
    decision_rows: str | None
    is_limited_by_steps: bool
    tier_since: date
    by_override: bool
    wanted_tier: str | None
    score: Decimal | None
    rank_position: int | None
    from_tier: str | None
    from_graded: str | None
    is_new: bool
    is_change: bool
    changed_from: date | None
    score_before: Decimal | None
    parts: Mapping[str, Decimal] | None
    runs: tuple[Run, ...] = ()


# --- scores

Crowd = list["Numbers"]  # what is known of everybody who is eligible on a day


def _four_decimals(number: Fraction) -> Decimal:
    """Half to even, which is how Python rounds a fraction."""
    return Decimal(round(number * 10**4)).scaleb(-4)


def _known(part: Part, numbers: Numbers) -> bool:
    return numbers.get(part.measure) is not None


def part_score(part: Part, value: Decimal, crowd: Crowd) -> Decimal:
    """0-100: the share of the total that those with as much or less hold, the middle of one's equals, or points."""
    if part.scored_by == "points":
        return _four_decimals(100 * _points(part, value) / part.weight)
    others = [v for numbers in crowd if (v := numbers.get(part.measure)) is not None]
    if part.scored_by == "value_share":
        total = sum(Fraction(max(v, Decimal(0))) for v in others)
        at_most = sum(Fraction(max(v, Decimal(0))) for v in others if v <= value)
        return _four_decimals(100 * Fraction(at_most) / total) if total else Decimal(0)
    behind = sum(v > value if part.less_is_better else v < value for v in others)
    beside = sum(v == value for v in others)
    return _four_decimals(100 * (behind + Fraction(beside, 2)) / len(others)) if others else Decimal(0)


def _points(part: Part, value: Decimal) -> Fraction:
    return next(points for at_least, points in part.bands if at_least is None or value >= at_least)


def coverage(policy: Policy, numbers: Numbers) -> Fraction:
    """What of the weight has data; of a policy of one measure, whether that is known."""
    if not policy.score:
        return Fraction(numbers.get(policy.measure) is not None)
    weights = {part.dimension: part.dimension_weight for part in policy.score}
    covered = Fraction(0)
    for dimension, weight in weights.items():
        parts = [part for part in policy.score if part.dimension == dimension]
        known = sum(part.weight for part in parts if _known(part, numbers))
        covered += weight / sum(weights.values()) * known / sum(part.weight for part in parts)
    return Fraction(_four_decimals(covered))


def with_scores(policy: Policy, numbers: Numbers, crowd: Crowd) -> Numbers:
    """The measures, and what the policy makes of them among a crowd."""
    if not any(_known(part, numbers) for part in policy.score):
        return numbers
    found: dict[str, Decimal] = {}
    weights: dict[str, Fraction] = {}
    for dimension in dict.fromkeys(part.dimension for part in policy.score):
        earned, weight = Fraction(0), Fraction(0)
        for part in (part for part in policy.score if part.dimension == dimension):
            value = numbers.get(part.measure)
            if value is None and policy.neutral is None:
                continue
            weight += part.weight
            if value is None:
                earned += policy.neutral * part.weight
            elif part.scored_by == "points":
                earned += 100 * _points(part, value)
            else:
                earned += Fraction(part_score(part, value, crowd)) * part.weight
        if weight:
            name = f"{dimension}_score"
            found[name] = _four_decimals(earned / weight)
            weights[name] = next(part.dimension_weight for part in policy.score if part.dimension == dimension)
    whole = sum(Fraction(found[name]) * weight for name, weight in weights.items()) / sum(weights.values())
    return {**numbers, **found, "value_score": _four_decimals(whole)}


# --- rank and lines


@dataclass(frozen=True)
class Someone:
    """A customer as one step of the reckoning sees it. Who is not `counted` moves no share: the provisional."""

    name: str
    group: str | None
    numbers: Numbers
    counted: bool = True


def _goodness(numbers: Numbers, measures: Iterable[str]) -> Goodness:
    """More is better, the measures in their order; null is below every number."""
    found = [numbers.get(m) for m in measures]
    return tuple((0, Decimal(0)) if v is None else (1, v) for v in found)


class Place(NamedTuple):
    rank: int  # the number at least as good, oneself included: equals share the worst rank of their group
    rank_to_miss: int  # the number strictly better, plus one: an equal newcomer pushes nobody out
    positives: int  # n


class Eligible(list["Someone"]):
    """The eligible of a day, sorted once for every order that is asked for."""

    def __init__(self, people: Iterable[Someone] = ()) -> None:
        super().__init__(people)
        self._orders: dict[tuple[tuple[str, ...], str | None], tuple[list[Goodness], dict[str, Goodness], int]] = {}

    def order(self, measures: tuple[str, ...], group: str | None) -> tuple[list[Goodness], dict[str, Goodness], int]:
        """How good everybody of the group is, from the worst; each one by name; how many are above 0."""
        if (measures, group) not in self._orders:
            good = {o.name: _goodness(o.numbers, measures) for o in self if o.group == group}
            above_zero = sum(g[0] > (1, 0) for g in good.values())
            self._orders[measures, group] = sorted(good.values()), good, above_zero
        return self._orders[measures, group]


def place(policy: Policy, eligible: Iterable[Someone], who: Someone, measure: str) -> Place:
    """Where somebody stands among the eligible of the group, by a measure and then `then_by`."""
    measures = (measure, *policy.then_by)
    mine = _goodness(who.numbers, measures)
    people = eligible if isinstance(eligible, Eligible) else Eligible(eligible)
    everybody, by_name, positives = people.order(measures, who.group)
    itself = by_name.get(who.name)  # as the others know it: it is none of them
    at_least_as_good = len(everybody) - bisect_left(everybody, mine) - (itself is not None and itself >= mine)
    better = len(everybody) - bisect_right(everybody, mine) - (itself is not None and itself > mine)
    positives -= itself is not None and itself[0] > (1, 0)
    return Place(at_least_as_good + 1, better + 1, positives + (who.counted and mine[0] > (1, 0)))


def _reaches(c: Condition, m: Fraction | None, at: Place) -> bool:
    if m is None:
        return False
    if c.kind == "top_share":
        return m > 0 and at.rank <= floor(c.line * at.positives)
    return m >= c.line if c.kind == "at_least" else m > c.line


def _clears(c: Condition, m: Fraction | None, at: Place, band: Fraction) -> bool:
    if m is None:
        return False
    if c.kind == "top_share":
        seats = floor(c.line * at.positives)
        return m > 0 and seats >= 1 and at.rank <= max(1, floor(seats * (1 - band)))
    line = c.line + abs(c.line) * band
    return m >= line if c.kind == "at_least" else m > line


def _misses(c: Condition, m: Fraction | None, at: Place, band: Fraction) -> bool:
    if m is None:
        return True
    if c.kind == "top_share":
        if m <= 0:
            return True
        seats = floor(c.line * at.positives)
        beyond = at.rank_to_miss > c.line * at.positives * (1 + band)
        if band > 0 and seats >= 1:  # a band is at least one rank wide
            beyond = beyond and at.rank_to_miss > seats + 1
        return beyond
    line = c.line - abs(c.line) * band
    return m < line if c.kind == "at_least" else m <= line


def _conditions(
    policy: Policy, tier: Tier, eligible: Iterable[Someone], who: Someone
) -> list[tuple[Condition, Fraction | None, Place]]:
    found = []
    for c in tier.conditions:
        measure = c.measure or policy.measure
        m = who.numbers.get(measure)
        at = place(policy, eligible, who, measure) if c.kind == "top_share" else Place(0, 0, 0)  # a bound knows no rank
        found.append((c, None if m is None else Fraction(m), at))
    return found


def reaches(policy: Policy, tier: Tier, eligible: Iterable[Someone], who: Someone) -> bool:
    if tier.kind in ("manual", "otherwise"):
        return tier.kind == "otherwise"
    return all(_reaches(*c) for c in _conditions(policy, tier, eligible, who))


def clears(policy: Policy, tier: Tier, eligible: Iterable[Someone], who: Someone) -> bool:
    if tier.kind in ("manual", "otherwise"):
        return False
    return all(_clears(*c, policy.promotion_band) for c in _conditions(policy, tier, eligible, who))


def misses(policy: Policy, tier: Tier, eligible: Iterable[Someone], who: Someone) -> bool:
    if tier.kind in ("manual", "otherwise"):
        return tier.kind == "manual"
    return any(_misses(*c, policy.demotion_band) for c in _conditions(policy, tier, eligible, who))


# --- the population and the calendar


@dataclass(frozen=True)
class Member:
    """A customer of the policy's population on a day."""

    name: str
    group: str | None
    numbers: Numbers
    first_sale_on: date
    is_eligible: bool

    @property
    def someone(self) -> Someone:
        return Someone(self.name, self.group, self.numbers, counted=self.is_eligible)


def _is_for(policy: Policy, attributes: Mapping[str, str | None]) -> bool:
    return all(attributes.get(attribute) in accepted for attribute, accepted in policy.applies_to)


def population(case: Case, day: date, policy: Policy) -> dict[str, Member]:
    """Who has at least one accepted sale on or before the day, narrowed by `applies_to`; and who of them is eligible."""
    members = {}
    for (on, name), attributes in case.attributes.items():
        value = case.value(day, "day", name)
        if on != day or value.first_sale_on is None or value.first_sale_on > day:
            continue
        if not _is_for(policy, attributes):
            continue
        members[name] = Member(
            name=name,
            group=attributes.get(policy.rank_within) if policy.rank_within else None,
            numbers=value.numbers,
            first_sale_on=value.first_sale_on,
            is_eligible=is_eligible(policy, value, day),
        )
    crowd = crowd_of(members)
    return {name: replace(m, numbers=with_scores(policy, m.numbers, crowd)) for name, m in members.items()}


def is_eligible(policy: Policy, value: Value, day: date) -> bool:
    """Old enough since the first sale, and with as much known as the policy asks for."""
    if value.first_sale_on is None or (day - value.first_sale_on).days < policy.after_days:
        return False
    return coverage(policy, value.numbers) >= policy.minimum_coverage


def crowd_of(members: Mapping[str, Member]) -> Crowd:
    """Whom everybody is scored against."""
    return [m.numbers for m in members.values() if m.is_eligible]


def is_review_day(calendar: str, settled_on: date, day: date, first_sale_on: date) -> bool:
    """Whether a date of the calendar lies after the last day that settled anything, up to and including this one."""
    dates = (settled_on + timedelta(days=n) for n in range(1, (day - settled_on).days + 1))
    return any(_is_in_calendar(calendar, d, first_sale_on) for d in dates)


def _is_in_calendar(calendar: str, d: date, first_sale_on: date) -> bool:
    if calendar == "anniversary":
        born = (first_sale_on.month, first_sale_on.day)
        has_29_february = d.year % 4 == 0 and (d.year % 100 != 0 or d.year % 400 == 0)
        return (d.month, d.day) == ((3, 1) if born == (2, 29) and not has_29_february else born)
    months = {"nightly": (), "monthly": range(1, 13), "quarterly": (1, 4, 7, 10), "half_yearly": (1, 7)}[calendar]
    return calendar == "nightly" or (d.day == 1 and d.month in months)


# --- one night


@dataclass(frozen=True)
class Result:
    """What rows 1-9 say of a customer, and row 10 after them."""

    row: str
    reason: str
    tier: str | None
    graded: str
    is_newcomer: bool = False  # rows 2, 5 `reached` and 6 ask for a seat; everybody else sits
    is_limited_by_steps: bool = False
    led_by: Run | None = None  # the run that fixed a change
    wanted: str | None = None


@dataclass
class _Night:
    """Everything a decision of the day looks at. `before` is the decided day before, None on the policy's first."""

    case: Case
    day: date
    policy: Policy
    before: date | None
    policy_before: Policy | None
    state: Mapping[str, Decision]

    def __post_init__(self) -> None:
        self.members = population(self.case, self.day, self.policy)
        self.eligible = _eligible(self.members)
        self.eligible_then = Eligible()  # of the day before, by the policy of today
        self.eligible_before = Eligible()  # of the day before, by its own policy
        self.crowd, self.crowd_then, self.crowd_before = crowd_of(self.members), [], []
        if self.before is not None and self.policy_before is not None:
            then = population(self.case, self.before, self.policy)
            self.eligible_then, self.crowd_then = _eligible(then), crowd_of(then)
            before = population(self.case, self.before, self.policy_before)
            self.eligible_before, self.crowd_before = _eligible(before), crowd_of(before)

    # what a customer brings into the night

    def held(self, name: str) -> str | None:
        """The graded tier held: none, if this version of the policy has it no longer."""
        had = self.state.get(name)
        return had.tier if had and had.graded == "graded" and self.policy.tier(had.tier) else None

    def has_lost_its_tier(self, name: str) -> bool:
        had = self.state.get(name)
        return bool(had and had.graded == "graded" and not self.policy.tier(had.tier))

    def override(self, name: str) -> str | None:
        for o in self.case.overrides:
            is_known = o.known_on <= self.day and (o.replaced_on is None or o.replaced_on > self.day)
            is_on = o.starts_on <= self.day and (o.ends_on is None or self.day <= o.ends_on)
            if o.customer == name and is_known and is_on and self.policy.tier(o.tier):
                return o.tier
        return None

    def existing(self, name: str) -> str | None:
        """Only on the policy's first decided day; a manual or unknown tier goes back to its author."""
        for e in self.case.existing if self.before is None else ():
            is_known = e.known_on <= self.day and (e.replaced_on is None or e.replaced_on > self.day)
            tier = self.policy.tier(e.tier)
            if e.customer == name and is_known and tier and tier.kind != "manual":
                return e.tier
        return None

    # where it stands tonight

    def reached(self, who: Someone) -> str | None:
        """The first tier from the top whose rule holds."""
        return next((t.name for t in self.policy.tiers if reaches(self.policy, t, self.eligible, who)), None)

    def provisional_or_none(self, member: Member) -> tuple[str | None, str]:
        if self.policy.otherwise == "provisional":
            return self.reached(member.someone), "provisional"
        return None, "not_graded"

    def run(self, name: str, kind: str, tier: str) -> Run:
        """The run that goes on today, or the one that begins."""
        had = self.state.get(name)
        going_on = [r for r in (had.runs if had else ()) if (r.kind, r.tier) == (kind, tier)]
        return going_on[0] if going_on else Run(kind, tier, self.day)

    def lasted(self, run: Run, days: int) -> bool:
        return (self.day - run.since).days + 1 >= days

    def is_review_day(self, member: Member) -> bool:
        assert self.before is not None
        return is_review_day(self.policy.review_calendar, self.before, self.day, member.first_sale_on)

    # rows 1-9

    def decide(self, member: Member) -> Result:
        had, held = self.state.get(member.name), self.held(member.name)
        override, existing = self.override(member.name), self.existing(member.name)
        if override:
            return Result("1", "override", override, "graded")
        if had and had.by_override:
            return self._row_2(member)
        if not member.is_eligible and held is None and existing is None:
            tier, graded = self.provisional_or_none(member)
            return Result("3", graded, tier, graded)
        if not member.is_eligible and held is not None:
            return Result("4", "held_not_eligible", held, "graded")
        if held is None:
            return self._row_5(member, existing)
        return self._of_a_holder(member, held)

    def _row_2(self, member: Member) -> Result:
        if member.is_eligible:
            return Result("2", "override_ended", self.reached(member.someone), "graded", is_newcomer=True)
        tier, graded = self.provisional_or_none(member)
        return Result("2", "override_ended", tier, graded)

    def _row_5(self, member: Member, existing: str | None) -> Result:
        if existing:
            return Result("5", "existing", existing, "graded")
        return Result("5", "reached", self.reached(member.someone), "graded", is_newcomer=True)

    def _of_a_holder(self, member: Member, held: str) -> Result:
        who = member.someone
        cleared = [t.name for t in self.policy.above(held) if clears(self.policy, t, self.eligible, who)]
        if cleared:
            return self._row_6(member, held, [self.run(member.name, "clearing", t) for t in cleared])
        reached = self.reached(who)
        assert reached is not None
        tier = self.policy.tier(held)
        assert tier is not None
        is_lower = self.policy.rank(reached) > self.policy.rank(held)
        if is_lower and misses(self.policy, tier, self.eligible, who):
            return self._row_7(member, held, reached)
        if reached != held:
            return Result("8", "held_by_band", held, "graded")
        return Result("9", "unchanged", held, "graded")

    def _row_6(self, member: Member, held: str, runs: list[Run]) -> Result:
        completed = [r for r in runs if self.lasted(r, self.policy.confirm_days)]
        if not completed:
            return Result("6", "held_by_confirmation", held, "graded")
        if not self.is_review_day(member):
            return Result("6", "held_by_calendar", held, "graded")
        highest = completed[0]
        return Result("6", "promoted", highest.tier, "graded", is_newcomer=True, led_by=highest)

    def _row_7(self, member: Member, held: str, reached: str) -> Result:
        run, p = self.run(member.name, "missing", held), self.policy
        stayed = (self.day - self.state[member.name].tier_since).days
        for is_over, reason in (
            (self.lasted(run, p.confirm_days), "held_by_confirmation"),
            (self.lasted(run, p.confirm_days + p.grace_days), "held_by_grace"),
            (stayed >= p.minimum_stay_days, "held_by_stay"),
            (self.is_review_day(member), "held_by_calendar"),
        ):
            if not is_over:
                return Result("7", reason, held, "graded")
        steps = [t.name for t in p.below(held) if t.kind != "manual" and p.rank(t.name) <= p.rank(reached)]
        limit = len(steps) if p.maximum_steps_down is None else min(p.maximum_steps_down, len(steps))
        tier = steps[limit - 1]
        return Result("7", "demoted", tier, "graded", is_limited_by_steps=tier != reached, led_by=run)

    # row 10

    def seat(self, results: dict[str, Result]) -> None:
        """Tiers from the top; who does not fit asks for a lower one, and may meet a cap there again."""
        for tier in self.policy.tiers:
            for group in {m.group for m in self.members.values()} if tier.seat_cap is not None else ():
                here = [
                    self.members[n]
                    for n, r in results.items()
                    if (r.tier, r.graded, self.members[n].group) == (tier.name, "graded", group)
                ]
                for member in self._without_a_seat(tier, here, results):
                    results[member.name] = self._fall_back(member, tier, results[member.name])

    def _without_a_seat(self, tier: Tier, here: list[Member], results: Mapping[str, Result]) -> list[Member]:
        asking = [m for m in here if results[m.name].is_newcomer]
        assert tier.seat_cap is not None
        left = tier.seat_cap - (len(here) - len(asking))
        by_rank: dict[int, list[Member]] = {}
        for m in asking:
            by_rank.setdefault(self.rank_position(m) or 0, []).append(m)
        refused: list[Member] = []
        for _, equals in sorted(by_rank.items()):
            if refused or len(equals) > left:  # the first group that does not fit closes the tier
                refused += equals
            else:
                left -= len(equals)
        return refused

    def _fall_back(self, member: Member, full: Tier, result: Result) -> Result:
        wanted = result.wanted or full.name
        held = self.held(member.name) if result.row == "6" else None
        for tier in self.policy.below(full.name):
            if tier.name == held:  # never below the tier it held, and there it sits, even above the cap
                return replace(result, reason="waiting_for_seat", tier=held, wanted=wanted, is_newcomer=False)
            if reaches(self.policy, tier, self.eligible, member.someone):
                return replace(result, reason="waiting_for_seat", tier=tier.name, wanted=wanted)
        raise AssertionError("a policy ends with a tier that everybody reaches")

    # what is written

    def rank_position(self, member: Member) -> int | None:
        return place(self.policy, self.eligible, member.someone, self.policy.measure).rank

    def write(self, member: Member, result: Result) -> Decision:
        name, had = member.name, self.state.get(member.name)
        is_move = had is None or (had.tier, had.graded) != (result.tier, result.graded)
        cause = had.cause if had else None
        if is_move:
            cause = result.led_by.cause or self._cause(member, result.led_by, cause) if result.led_by else None
            if self.has_lost_its_tier(name) and result.row in ("2", "3", "5"):
                cause = "policy_changed"
        score = member.numbers.get(self.policy.measure)
        led_by = self._of_today(member, result.led_by or Run("", "", self.day), cause)
        is_ranked = member.is_eligible or result.graded == "provisional"
        return Decision(
            as_of=self.day,
            policy_version=self.policy.version,
            customer=name,
            tier=result.tier,
            tier_rank=self.policy.rank(result.tier) if result.tier else None,
            graded=result.graded,
            reason=result.reason,
            cause=cause,
            decision_rows=result.row + (",10" if result.wanted else ""),
            is_limited_by_steps=result.is_limited_by_steps,
            tier_since=self.day if is_move or had is None else had.tier_since,
            by_override=result.row == "1",
            wanted_tier=result.wanted,
            score=score,
            rank_position=self.rank_position(member) if is_ranked else None,
            from_tier=had.tier if had else None,
            from_graded=had.graded if had else None,
            is_new=had is None,
            is_change=is_move,
            changed_from=led_by.since if is_move else None,
            score_before=led_by.score_before if is_move else None,
            parts=led_by.parts if is_move else None,
            runs=self._runs(member, result, cause),
        )

    def left(self, had: Decision) -> Decision:
        return Decision(
            as_of=self.day,
            policy_version=self.policy.version,
            customer=had.customer,
            tier=None,
            tier_rank=None,
            graded="not_graded",
            reason="left_population",
            cause=None,
            decision_rows=None,
            is_limited_by_steps=False,
            tier_since=self.day,
            by_override=False,
            wanted_tier=None,
            score=None,
            rank_position=None,
            from_tier=had.tier,
            from_graded=had.graded,
            is_new=False,
            is_change=True,
            changed_from=self.day,
            score_before=None,
            parts=None,
        )

    def _runs(self, member: Member, result: Result, cause: str | None) -> tuple[Run, ...]:
        """One for each higher tier cleared today, and one if the tier held before was missed and is held still."""
        if result.graded != "graded" or result.row == "1" or not member.is_eligible:
            return ()
        assert result.tier is not None
        who, held = member.someone, self.held(member.name)
        runs = [
            self.run(member.name, "clearing", t.name)
            for t in self.policy.above(result.tier)
            if clears(self.policy, t, self.eligible, who)
        ]
        tier = self.policy.tier(held)
        if held == result.tier and tier and misses(self.policy, tier, self.eligible, who):
            runs.append(self.run(member.name, "missing", held))
        return tuple(self._of_today(member, run, cause) for run in runs)

    # causes and parts

    def _of_today(self, member: Member, run: Run, cause: str | None) -> Run:
        """A run with the parts of today in its sums; with cause and score before, if it begins today."""
        parts = self._parts(member)
        if run.since == self.day:
            before = self._score_before(member)
            begun = self._cause(member, run, cause) if run.kind else None
            return replace(run, cause=begun, score_before=before, parts=parts)
        return replace(run, parts={p: run.parts[p] + parts[p] for p in PARTS})

    def _score_before(self, member: Member) -> Decimal | None:
        if self.before is None or self.policy_before is None:
            return member.numbers.get(self.policy.measure)
        old = self.case.value(self.before, "day", member.name).numbers
        return with_scores(self.policy_before, old, self.crowd_before).get(self.policy_before.measure)

    def _substitutes(self, name: str) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """The values of the day before, as known then and as known now, by another value model where there is one, and
        those of what left the window since."""
        assert self.before is not None
        old = self.case.value(self.before, "day", name)
        corrected = self.case.values.get((self.day, "corrected", name), old)
        refitted = self.case.values.get((self.day, "refitted", name), corrected)
        slid = self.case.values.get((self.day, "slid", name), self.case.value(self.day, "day", name))
        return old.numbers, corrected.numbers, refitted.numbers, slid.numbers

    def _parts(self, member: Member) -> dict[str, Decimal]:
        """How the score came from the day before to today: among the others of back then, and they last.

        A raw value knows no others: only the line moves.
        """
        parts = dict.fromkeys(PARTS, Decimal(0))
        if self.before is None or self.policy_before is None:
            return parts
        old, corrected, refitted, slid = self._substitutes(member.name)
        today = self.case.value(self.day, "day", member.name).numbers
        among_those_then = [
            ("policy", old),
            ("corrected_data", corrected),
            ("value_model", refitted),
            ("left_window", slid),
            ("own_behaviour", today),
        ]
        steps = [(part, with_scores(self.policy, numbers, self.crowd_then)) for part, numbers in among_those_then]
        value = self._score_before(member) or Decimal(0)
        for part, numbers in [*steps, ("others_moved", member.numbers)]:
            score = numbers.get(self.policy.measure) or Decimal(0)
            parts[part] = score - value
            value = score
        return parts

    def _cause(self, member: Member, run: Run, last_cause: str | None) -> str:
        """The last step at which the customer comes to this side of the line; the policy itself on its first day."""
        if self.before is None or self.policy_before is None:
            return "policy_changed"
        attributes = self.case.attributes.get((self.before, member.name))
        old = self.case.value(self.before, "day", member.name)
        corrected = self.case.values.get((self.day, "corrected", member.name), old)
        refitted = self.case.values.get((self.day, "refitted", member.name), corrected)
        today = self.case.value(self.day, "day", member.name)
        steps = (
            ("", self.policy_before, self.eligible_before, self.crowd_before, old, attributes),
            ("policy_changed", self.policy, self.eligible_then, self.crowd_then, old, attributes),
            ("data_corrected", self.policy, self.eligible_then, self.crowd_then, corrected, attributes),
            ("model_refitted", self.policy, self.eligible_then, self.crowd_then, refitted, attributes),
            # whom the policy is for and where it is ranked is the customer's own: it moves with its behaviour
            ("behaviour", self.policy, self.eligible_then, self.crowd_then, today, None),
            ("others_moved", self.policy, self.eligible, self.crowd, today, None),
        )
        cause, was_there = "", True
        for step, policy, eligible, crowd, value, known in steps:
            day = self.before if step in ("", "policy_changed", "data_corrected", "model_refitted") else self.day
            attributes_then = self.case.attributes[self.day, member.name] if known is None else known
            scored = replace(value, numbers=with_scores(policy, value.numbers, crowd))
            is_there = self._is_on_the_side(member.name, run, policy, eligible, scored, attributes_then, day)
            if is_there and not was_there:
                cause = step
            was_there = is_there
        return cause or last_cause or "behaviour"

    def _is_on_the_side(
        self,
        name: str,
        run: Run,
        policy: Policy,
        eligible: Iterable[Someone],
        value: Value,
        attributes: Mapping[str, str | None],
        day: date,
    ) -> bool:
        """Whether one whom the policy is for, eligible or not, clears the run's tier, or misses it, at one step.

        Who could not be graded on that day, with the values put in, is none of those of whom a share is taken.
        """
        tier = policy.tier(run.tier)
        if tier is None or not _is_for(policy, attributes):
            return False
        group = attributes.get(policy.rank_within) if policy.rank_within else None
        test = clears if run.kind == "clearing" else misses
        return test(
            policy, tier, eligible, Someone(name, group, value.numbers, counted=is_eligible(policy, value, day))
        )


def _eligible(members: Mapping[str, Member]) -> Eligible:
    return Eligible(m.someone for m in members.values() if m.is_eligible)


# --- a history


def decide(case: Case) -> list[Decision]:
    """Every decision of every day. A policy that is not in force on a day keeps no state: it begins anew."""
    decisions: list[Decision] = []
    state: dict[str, Decision] = {}
    before: tuple[date, Policy] | None = None
    for day in case.days:
        policy = case.policy(day)
        if policy is None:
            state, before = {}, None
            continue
        night = _Night(case, day, policy, before and before[0], before and before[1], state)
        results = {name: night.decide(member) for name, member in night.members.items()}
        night.seat(results)
        gone = [night.left(had) for name, had in state.items() if name not in night.members]
        state = {name: night.write(member, results[name]) for name, member in night.members.items()}
        decisions += [*state.values(), *gone]
        before = (day, policy)
    return decisions
