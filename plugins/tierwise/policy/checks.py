"""What must hold across the lines of a policy file, and what is allowed but probably not meant."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import NamedTuple

from tierwise.configuration import nearest
from tierwise.policy.catalogue import Measure
from tierwise.policy.grammar import Condition, PolicyEntry, Tier
from tierwise.policy.scores import SCORES, VALUE_SCORE
from tierwise.policy.written import plain

Place = tuple[str | int, ...]
Catalogue = Mapping[str, Measure]

_WINDOWS = {"_90d": 90, "_12m": 365}


class Finding(NamedTuple):
    """A sentence about a place of the file."""

    place: Place
    sentence: str


class _Asked(NamedTuple):
    """What a tier asks for, and where it stands."""

    place: Place
    tier: Tier
    conditions: list[Condition]

    def each(self) -> Iterator[tuple[Place, Condition]]:
        """Every condition with its own place."""
        for position, condition in enumerate(self.conditions):
            within = ("all", position) if self.tier.all is not None else ()
            yield (*self.place, *within, condition.kind), condition

    @property
    def only(self) -> Condition | None:
        """The condition of a tier whose rule is one line."""
        return self.conditions[0] if self.tier.all is None else None

    def __str__(self) -> str:
        if self.only:
            return _said(self.tier, self.only)
        return f"{self.tier.tier} all [{', '.join(map(_by_measure, self.conditions))}]"


def problems(entries: Mapping[str, PolicyEntry], catalogue: Catalogue, currency: str) -> Iterator[Finding]:
    """Everything for which the file is refused. `currency` is the company's reporting currency."""
    if not entries:
        yield Finding((), "there is no policy in this file; write one, with status, measure and tiers")
        return
    yield from _one_primary(entries)
    for name, entry in entries.items():
        yield from _known_measures(name, entry, catalogue)
        yield from _scores(name, entry, catalogue)
        yield from _money(name, entry, catalogue, currency)
        yield from _different_tiers(name, entry)
        yield from _otherwise_last(name, entry)
        yield from _caps_beside_lines(name, entry)
        yield from _waits_within_the_window(name, entry)
        if all(measure in catalogue for measure in entry.measures):
            yield from _falling_lines(name, entry, catalogue)


def warnings(entries: Mapping[str, PolicyEntry], catalogue: Catalogue) -> Iterator[Finding]:
    """What a careful colleague would ask about. Only for entries without `problems`."""
    for name, entry in entries.items():
        place = (name, "tiers")
        if len(entry.tiers) == 1:
            yield Finding(place, f"{name} has one tier, so it tells nobody apart")
        yield from _nothing_breaks_ties(name, entry)
        yield from _money_without_amounts(name, entry, catalogue)
        for asked in _asked(name, entry):
            for at, condition in asked.each():
                yield from _odd_bound(at, asked, condition, catalogue[condition.measure])
        yield from _bands_past_the_tier_above(name, entry)
        for language in ("en", "zh"):
            labels = [getattr(tier.labels, language) for tier in entry.tiers]
            for label in sorted({label for label in labels if labels.count(label) > 1}):
                yield Finding(place, f"two tiers of {name} are both called {label!r} in {language}")


# --- the whole file -------------------------------------------------------------------------------------------------


def _one_primary(entries: Mapping[str, PolicyEntry]) -> Iterator[Finding]:
    primaries = [name for name, entry in entries.items() if entry.primary]
    for name in primaries:
        if entries[name].status != "active":
            yield Finding(
                (name, "primary"),
                f"{name} is {entries[name].status} and cannot be primary; make it active, or another policy primary",
            )
    active = [name for name, entry in entries.items() if entry.status == "active"]
    both = [name for name in primaries if name in active]
    if not active:
        yield Finding((), "no policy is active; set `status: active` and `primary: true` on the one whose tier counts")
    elif not both and not primaries:
        yield Finding((active[0],), f"no active policy is primary; add `primary: true` to one of {', '.join(active)}")
    for name in both[1:]:
        yield Finding((name, "primary"), f"{both[0]} and {name} are both primary; keep `primary: true` on one of them")


# --- measures -------------------------------------------------------------------------------------------------------


def _known_measures(name: str, entry: PolicyEntry, catalogue: Catalogue) -> Iterator[Finding]:
    ranked_by: list[tuple[Place, str]] = [((name, "measure"), entry.measure)]
    ranked_by += [((name, "then_by", number), measure) for number, measure in enumerate(entry.then_by)]
    seen: set[str] = set()
    for place, measure in ranked_by:
        yield from _known_measure(place, measure, catalogue)
        if measure in seen:
            yield Finding(place, f"{measure} is named twice; a second look at it tells nobody apart, remove it")
        seen.add(measure)
    for number, tier in enumerate(entry.tiers):
        for position, one in enumerate(tier.all or []):
            if one.measure is not None and one.measure != entry.measure:
                yield from _known_measure((name, "tiers", number, "all", position, "measure"), one.measure, catalogue)


def _known_measure(place: Place, measure: str, catalogue: Catalogue) -> Iterator[Finding]:
    if measure not in catalogue:
        meant = nearest(measure, catalogue)
        known = ", ".join(sorted(known for known, facts in catalogue.items() if facts.more_is_better))
        guess = f"did you mean {meant}? " if meant else ""
        yield Finding(place, f"there is no measure {measure}; {guess}Known are {known}")
    elif not catalogue[measure].more_is_better:
        yield Finding(
            place,
            f"of {measure} less is better, and a tier is for those who have more; choose a measure of which more is"
            " better",
        )


def _scores(name: str, entry: PolicyEntry, catalogue: Catalogue) -> Iterator[Finding]:
    """A policy speaks of the scores that it makes, and makes none that it does not speak of."""
    made = entry.score.scores if entry.score else []
    spoken_of = [measure for measure in (*entry.measures, *entry.then_by) if measure in SCORES]
    for measure in dict.fromkeys(spoken_of):
        if not made:
            yield Finding(
                (name,), f"{name} speaks of {measure} and does not say what it is made of; write `score` with its parts"
            )
        elif measure not in made:
            yield Finding(
                (name, "score"),
                f"{name} speaks of {measure}, and its score has no such dimension; add it, or name another",
            )
    if entry.score is None:
        return
    if not spoken_of:
        yield Finding((name, "score"), f"{name} makes a score and speaks of none; write `measure: {VALUE_SCORE}`")
    numbers: Counter[str | None] = Counter()
    for one in entry.score.each():
        number, measure = numbers[one.dimension], one.part.measure
        numbers[one.dimension] += 1
        place: Place = (name, "score", *([one.dimension] if one.dimension else []), "parts", number, "measure")
        if measure in SCORES:
            yield Finding(place, f"{measure} is a score itself; name the measures that it is made of")
        elif measure not in catalogue:
            yield from _known_measure(place, measure, catalogue)
        elif one.part.scored_by == "value_share" and not catalogue[measure].more_is_better:
            yield Finding(
                place, f"of {measure} less is better, and a share counts what is more; score it by percentile or points"
            )


def _money(name: str, entry: PolicyEntry, catalogue: Catalogue, currency: str) -> Iterator[Finding]:
    if entry.currency is None or any(measure not in catalogue for measure in entry.measures):
        return
    if not any(catalogue[measure].unit == "money" for measure in entry.measures):
        unit = catalogue[entry.measure].unit
        yield Finding((name, "currency"), f"{entry.measure} is no money but {unit}; remove `currency`")
    elif entry.currency != currency:
        yield Finding(
            (name, "currency"),
            f"the bounds are in {entry.currency} and the company reports in {currency}; bounds in other"
            f" currencies are not supported yet: write them in {currency}",
        )


def _waits_within_the_window(name: str, entry: PolicyEntry) -> Iterator[Finding]:
    window = next((days for suffix, days in _WINDOWS.items() if entry.measure.endswith(suffix)), None)
    for key in ("confirm_days", "grace_days"):
        days = getattr(entry.stability, key)
        if window is not None and days > window:
            yield Finding(
                (name, "stability", key),
                f"{key} of {days} is longer than the {window} days that {entry.measure} looks back, so nothing that a"
                f" tier was given for would be left; write at most {window}",
            )


# --- tiers ----------------------------------------------------------------------------------------------------------


def _different_tiers(name: str, entry: PolicyEntry) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for number, tier in enumerate(entry.tiers):
        alike = unicodedata.normalize("NFKC", tier.tier).casefold()
        if alike in seen:
            place = (name, "tiers", number, "tier")
            if seen[alike] == tier.tier:
                yield Finding(place, f"the tier {tier.tier} stands here a second time; a tier has one rule, keep one")
            else:
                yield Finding(place, f"the tiers {seen[alike]} and {tier.tier} look alike; give one another name")
        seen.setdefault(alike, tier.tier)


def _otherwise_last(name: str, entry: PolicyEntry) -> Iterator[Finding]:
    last = len(entry.tiers) - 1
    for number, tier in enumerate(entry.tiers):
        place = (name, "tiers", number)
        if tier.rule_kind == "otherwise" and number < last:
            below = ", ".join(lower.tier for lower in entry.tiers[number + 1 :])
            yield Finding(
                (*place, "otherwise"),
                f"{tier.tier} takes everybody who is left, so nobody reaches {below} below it; `otherwise: true` belongs"
                " in the last tier only",
            )
        if tier.rule_kind != "otherwise" and number == last:
            by_hand = "every tier is given by hand, and " if all(t.manual for t in entry.tiers) else ""
            yield Finding(
                place,
                f"{by_hand}the last tier, {tier.tier}, leaves customers below it without a tier; add a tier with"
                " `otherwise: true` at the end",
            )


def _caps_beside_lines(name: str, entry: PolicyEntry) -> Iterator[Finding]:
    for number, tier in enumerate(entry.tiers):
        if tier.seat_cap is None or tier.rule_kind not in ("otherwise", "manual"):
            continue
        why = "is given by hand, and a hand needs no wall" if tier.manual else "takes everybody who is left"
        yield Finding(
            (name, "tiers", number, "seat_cap"), f"{tier.tier} {why}; remove its seat_cap, which goes beside a line"
        )


# --- lines ----------------------------------------------------------------------------------------------------------


def _asked(name: str, entry: PolicyEntry) -> list[_Asked]:
    """The tiers that have lines, from the top."""
    asked = [
        _Asked((name, "tiers", number), tier, tier.conditions(entry.measure)) for number, tier in enumerate(entry.tiers)
    ]
    return [one for one in asked if one.conditions]


def _falling_lines(name: str, entry: PolicyEntry, catalogue: Catalogue) -> Iterator[Finding]:
    tiers = _asked(name, entry)
    for asked in tiers:
        for place, condition in asked.each():
            yield from _reachable(place, asked, condition, catalogue[condition.measure], entry)
        yield from _each_says_something(asked, catalogue)
    for position, lower in enumerate(tiers):
        for higher in reversed(tiers[:position]):
            takes_who_waits = higher.tier.seat_cap is not None and _all_meet(higher, lower, catalogue)
            if _all_meet(lower, higher, catalogue) and not takes_who_waits:
                yield Finding((*lower.place, lower.tier.rule_kind), _nobody_is_left(higher, lower))
                break


def _all_meet(one: _Asked, other: _Asked, catalogue: Catalogue) -> bool:
    """Whether everybody who meets all that one tier asks for meets all that the other does."""
    return all(
        any(_implies(condition, asked, catalogue[asked.measure]) for condition in one.conditions)
        for asked in other.conditions
    )


def _implies(one: Condition, other: Condition, measure: Measure) -> bool:
    """Whether everybody who meets the one meets the other. A share takes nobody at 0 or below."""
    if one.measure != other.measure:
        return False
    if other.share is not None:
        return one.share is not None and one.share <= other.share
    least = measure.step if one.share is not None else _least_that_reaches(one, measure)
    return least >= _least_that_reaches(other, measure)


def _nobody_is_left(higher: _Asked, lower: _Asked) -> str:
    above, below = higher.only, lower.only
    if above is None or below is None:
        return (
            f"whoever reaches {lower} has reached {higher} above it already, so {lower.tier.tier} would stay empty; let"
            f" {higher.tier.tier} ask for more, or remove {lower.tier.tier}"
        )
    if above.share is not None and below.share is not None:
        return (
            f"shares count from the top and grow downwards: {higher}, and below it {lower} leaves nobody for"
            f" {lower.tier.tier}; write the two tiers together, such as {plain(above.share + below.share)}"
        )
    if below.share is not None:
        return f"a share takes customers above 0, and {higher} has taken them all; put {lower.tier.tier} above it"
    if _bound(below) > _bound(above):
        return f"the lines do not fall from the top: {higher}, and below it {lower}; put the higher bound first"
    return f"{higher} leaves nobody for {lower}; lower the bound of {lower.tier.tier}, or remove the tier"


def _reachable(
    place: Place, asked: _Asked, condition: Condition, measure: Measure, entry: PolicyEntry
) -> Iterator[Finding]:
    if condition.bound is None:
        return
    said = _said(asked.tier, condition)
    if condition.bound < 0 and not measure.can_be_negative:
        yield Finding(place, f"{measure.name} is never below 0, so {said} says nothing; write a bound above 0")
    if _least_that_reaches(condition, measure) > measure.largest:
        yield Finding(place, f"{measure.name} never passes {plain(measure.largest)}, so nobody can reach {said}")
        return
    risen = condition._replace(bound=_risen_into(condition.bound, entry))
    if _least_that_reaches(risen, measure) > measure.largest:
        band = plain(entry.stability.promotion_band)
        yield Finding(
            place,
            f"nobody could rise into {said}: with a promotion_band of {band} that takes {plain(_bound(risen))}, and"
            f" {measure.name} never passes {plain(measure.largest)}; lower the bound or the band",
        )


def _each_says_something(asked: _Asked, catalogue: Catalogue) -> Iterator[Finding]:
    each = list(asked.each())
    for position, (place, condition) in enumerate(each):
        for other_position, (_, other) in enumerate(each):
            if other_position == position or not _implies(other, condition, catalogue[condition.measure]):
                continue
            if _implies(condition, other, catalogue[condition.measure]) and other_position > position:
                continue  # they say the same: the first may stay
            yield Finding(
                place,
                f"within {asked.tier.tier}, {_by_measure(condition)} says nothing beside {_by_measure(other)}; keep the"
                " one that is meant",
            )
            break


# --- what is probably not meant -------------------------------------------------------------------------------------


def _nothing_breaks_ties(name: str, entry: PolicyEntry) -> Iterator[Finding]:
    if entry.then_by:
        return
    mend = "a second measure (then_by) tells them apart"
    capped = next((tier.tier for tier in entry.tiers if tier.seat_cap is not None), None)
    if capped is not None:
        yield Finding(
            (name, "measure"),
            f"{name} has no then_by: of customers with an equal {entry.measure} who do not all fit into {capped} none is"
            f" seated, and nobody behind them; {mend}",
        )
    elif any(condition.share is not None for asked in _asked(name, entry) for condition in asked.conditions):
        yield Finding(
            (name, "measure"),
            f"{name} has no then_by: customers with an equal {entry.measure} who straddle a line all fall below it;"
            f" {mend}",
        )


def _money_without_amounts(name: str, entry: PolicyEntry, catalogue: Catalogue) -> Iterator[Finding]:
    for one in entry.score.each() if entry.score else ():
        if one.part.scored_by == "percentile" and catalogue[one.part.measure].unit == "money":
            yield Finding(
                (name, "score"),
                f"{one.part.measure} is scored by percentile, which forgets amounts: who brings ten times as much as the"
                " next stands one place above; value_share keeps them apart",
            )


def _odd_bound(place: Place, asked: _Asked, condition: Condition, measure: Measure) -> Iterator[Finding]:
    if condition.bound is None:
        return
    least = _least_that_reaches(condition, measure)
    if least <= 0 and not measure.can_be_negative:
        if asked.only:
            sentence = f"everybody whose {measure.name} is known reaches {asked.tier.tier}; nobody is left below"
        else:
            sentence = f"everybody whose {measure.name} is known meets {_by_measure(condition)}"
        yield Finding(place, sentence)
    elif condition.kind == "at_least" and least != condition.bound:
        yield Finding(
            place,
            f"{measure.name} moves in steps of {plain(measure.step)}, so {asked.tier.tier} begins at {plain(least)}",
        )


def _bands_past_the_tier_above(name: str, entry: PolicyEntry) -> Iterator[Finding]:
    """Between the line of a tier and the cleared line of the tier below it lie customers who have neither."""
    for higher, lower in pairwise(_asked(name, entry)):
        for one, other in ((one, other) for one in higher.conditions for other in lower.conditions):
            if one.measure != other.measure:
                continue
            said = _said(higher.tier, one)
            if one.bound is not None and other.bound is not None:
                risen = _risen_into(other.bound, entry)
                crosses = other.bound < one.bound < risen
                takes = f"rising into {lower.tier.tier} takes {plain(risen)}, which is past {said} above it"
            elif one.share is not None and other.share is not None:
                risen = other.share * (1 - entry.stability.promotion_band)
                crosses = risen < one.share < other.share
                takes = f"rising into {lower.tier.tier} takes the top {plain(risen)}, which is within {said} above it"
            else:
                continue
            if crosses:
                yield Finding(
                    (name, "stability", "promotion_band"),
                    f"with a promotion_band of {plain(entry.stability.promotion_band)} {takes}: a customer may reach"
                    f" {higher.tier.tier} and stand two tiers below it",
                )


# --- bounds ---------------------------------------------------------------------------------------------------------


def _risen_into(bound: Decimal, entry: PolicyEntry) -> Decimal:
    """The bound that has to be held to rise: passed by the promotion band, upwards also below 0."""
    return bound + abs(bound) * entry.stability.promotion_band


def _least_that_reaches(condition: Condition, measure: Measure) -> Decimal:
    """The smallest value of the measure that holds the bound: so `above: 5` and `at_least: 6` orders are one line."""
    steps = _bound(condition) / measure.step
    if condition.kind == "above":
        return (steps.to_integral_value(ROUND_FLOOR) + 1) * measure.step
    return steps.to_integral_value(ROUND_CEILING) * measure.step


def _bound(condition: Condition) -> Decimal:
    return condition.bound if condition.bound is not None else Decimal(0)


def _said(tier: Tier, condition: Condition) -> str:
    return f"{tier.tier} {_line(condition)}"


def _by_measure(condition: Condition) -> str:
    return f"{condition.measure} {_line(condition)}"


def _line(condition: Condition) -> str:
    return f"{condition.kind} {plain(condition.share if condition.share is not None else _bound(condition))}"
