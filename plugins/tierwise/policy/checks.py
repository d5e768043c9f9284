"""What must hold across the lines of a policy file, and what is allowed but probably not meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import NamedTuple

from tierwise.configuration import nearest
from tierwise.policy.catalogue import Measure
from tierwise.policy.grammar import PolicyEntry, Tier, plain

Place = tuple[str | int, ...]


class Finding(NamedTuple):
    """A sentence about a place of the file."""

    place: Place
    sentence: str


def problems(entries: Mapping[str, PolicyEntry], catalogue: Mapping[str, Measure], currency: str) -> Iterator[Finding]:
    """Everything for which the file is refused. `currency` is the company's reporting currency."""
    if not entries:
        yield Finding((), "there is no policy in this file; write one, with status, measure and tiers")
        return
    yield from _one_primary(entries)
    for name, entry in entries.items():
        yield from _known_measures(name, entry, catalogue)
        yield from _money(name, entry, catalogue, currency)
        yield from _different_tiers(name, entry)
        yield from _otherwise_last(name, entry)
        yield from _falling_lines(name, entry, catalogue)


def warnings(entries: Mapping[str, PolicyEntry], catalogue: Mapping[str, Measure]) -> Iterator[Finding]:
    """What a careful colleague would ask about. Only for entries without `problems`."""
    for name, entry in entries.items():
        measure = catalogue[entry.measure]
        place = (name, "tiers")
        if len(entry.tiers) == 1:
            yield Finding(place, f"{name} has one tier, so it tells nobody apart")
        if not entry.then_by and any(tier.share is not None for tier in entry.tiers):
            yield Finding(
                (name, "measure"),
                f"{name} has no then_by: customers with an equal {entry.measure} who straddle a line all fall below it;"
                " a second measure tells them apart",
            )
        for number, tier in enumerate(entry.tiers):
            if tier.bound is None:
                continue
            least = _least_that_reaches(tier, measure)
            at = (*place, number, tier.rule_kind)
            if least <= 0 and not measure.can_be_negative:
                yield Finding(at, f"everybody whose {entry.measure} is known reaches {tier.tier}; nobody is left below")
            elif tier.rule_kind == "at_least" and least != tier.bound:
                yield Finding(
                    at,
                    f"{entry.measure} moves in steps of {plain(measure.step)}, so {tier.tier} begins at {plain(least)}",
                )
        for language in ("en", "zh"):
            labels = [getattr(tier.labels, language) for tier in entry.tiers]
            for label in sorted({label for label in labels if labels.count(label) > 1}):
                yield Finding(place, f"two tiers of {name} are both called {label!r} in {language}")


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


def _known_measures(name: str, entry: PolicyEntry, catalogue: Mapping[str, Measure]) -> Iterator[Finding]:
    spoken_of: list[tuple[Place, str]] = [((name, "measure"), entry.measure)]
    spoken_of += [((name, "then_by", number), measure) for number, measure in enumerate(entry.then_by)]
    seen: set[str] = set()
    for place, measure in spoken_of:
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
        if measure in seen:
            yield Finding(place, f"{measure} is named twice; a second look at it tells nobody apart, remove it")
        seen.add(measure)


def _money(name: str, entry: PolicyEntry, catalogue: Mapping[str, Measure], currency: str) -> Iterator[Finding]:
    measure = catalogue.get(entry.measure)
    if entry.currency is None or measure is None:
        return
    if measure.unit != "money":
        yield Finding((name, "currency"), f"{entry.measure} is no money but {measure.unit}; remove `currency`")
    elif entry.currency != currency:
        yield Finding(
            (name, "currency"),
            f"the bounds are in {entry.currency} and the company reports in {currency}; other currencies need exchange"
            f" rates, which are not supported yet: write the bounds in {currency}",
        )


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
            yield Finding(
                place,
                f"the last tier, {tier.tier}, leaves customers below it without a tier; add a tier with"
                " `otherwise: true` at the end",
            )


def _falling_lines(name: str, entry: PolicyEntry, catalogue: Mapping[str, Measure]) -> Iterator[Finding]:
    yield from _falling_shares(name, entry)
    measure = catalogue.get(entry.measure)
    if measure is None:
        return
    bounded = [(number, tier) for number, tier in enumerate(entry.tiers) if tier.bound is not None]
    for number, tier in bounded:
        yield from _reachable_bound((name, "tiers", number, tier.rule_kind), tier, measure)
    for (_, higher), (number, lower) in pairwise(bounded):
        place = (name, "tiers", number, lower.rule_kind)
        if _bound(lower) > _bound(higher):
            yield Finding(
                place,
                f"the lines do not fall from the top: {_said(higher)}, and below it {_said(lower)}; put the higher"
                " bound first",
            )
        elif _least_that_reaches(lower, measure) >= _least_that_reaches(higher, measure):
            yield Finding(
                place,
                f"{_said(higher)} leaves nobody for {_said(lower)}; lower the bound of {lower.tier}, or remove the tier",
            )
    positive = [(number, tier) for number, tier in bounded if _least_that_reaches(tier, measure) <= measure.step]
    for number, tier in enumerate(entry.tiers):
        if tier.share is not None and positive and positive[0][0] < number:
            yield Finding(
                (name, "tiers", number, "top_share"),
                f"a share takes customers above 0, and {_said(positive[0][1])} has taken them all; put {tier.tier}"
                " above it",
            )


def _falling_shares(name: str, entry: PolicyEntry) -> Iterator[Finding]:
    shares = [(number, tier) for number, tier in enumerate(entry.tiers) if tier.share is not None]
    for (_, higher), (number, lower) in pairwise(shares):
        if (lower.share or 0) <= (higher.share or 0):
            yield Finding(
                (name, "tiers", number, "top_share"),
                f"shares count from the top and grow downwards: {_said(higher)}, and below it {_said(lower)} leaves"
                f" nobody for {lower.tier}; write the two tiers together, such as"
                f" {plain((higher.share or Decimal(0)) + (lower.share or Decimal(0)))}",
            )


def _reachable_bound(place: Place, tier: Tier, measure: Measure) -> Iterator[Finding]:
    if _bound(tier) < 0 and not measure.can_be_negative:
        yield Finding(place, f"{measure.name} is never below 0, so {_said(tier)} says nothing; write a bound above 0")
    if _least_that_reaches(tier, measure) > measure.largest:
        yield Finding(place, f"{measure.name} never passes {plain(measure.largest)}, so nobody can reach {_said(tier)}")


def _least_that_reaches(tier: Tier, measure: Measure) -> Decimal:
    """The smallest value of the measure that holds the bound: so `above: 5` and `at_least: 6` orders are one line."""
    steps = _bound(tier) / measure.step
    if tier.rule_kind == "above":
        return (steps.to_integral_value(ROUND_FLOOR) + 1) * measure.step
    return steps.to_integral_value(ROUND_CEILING) * measure.step


def _bound(tier: Tier) -> Decimal:
    return tier.bound if tier.bound is not None else Decimal(0)


def _said(tier: Tier) -> str:
    line = tier.share if tier.share is not None else _bound(tier)
    return f"{tier.tier} {tier.rule_kind} {plain(line)}"
