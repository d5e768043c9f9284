"""An explanation as one sentence that a sales director reads, in English and in Chinese.

A change of tier is followed by a second sentence: what moved the customer, and where the line was.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from tierwise.policy.scores import VALUE_SCORE
from tierwise.policy.wording import Figures, Language, day, in_a_sentence, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from tierwise.policy.catalogue import Measure
    from tierwise.policy.explanation import Change, Explanation, Line
    from tierwise.policy.grammar import Condition
    from tierwise.policy.rules import Policy

_RISES, _FALLS = "6", "7"  # the rows of the decision table that move a tier


class Sentence:
    """One explanation in one language. Both languages answer the same questions, in their own order of words."""

    language: Language

    def __init__(self, explanation: Explanation, policy: Policy, catalogue: Mapping[str, Measure]) -> None:
        self.e = e = explanation
        self.policy, self.catalogue = policy, catalogue
        self.stability = policy.entry.stability
        self.figures = Figures(catalogue[e.measure], e.currency, self.language)
        shown = list(dict.fromkeys(amount for amount in self._told() if amount is not None))
        self.said = dict(zip(shown, self._side_by_side(shown), strict=True))

    def _side_by_side(self, shown: list[Decimal]) -> list[str]:
        """To the last digit where two lie so near that short figures would make their distance look another."""
        ordered = sorted(shown)
        nearest = min((b - a for a, b in itertools.pairwise(ordered)), default=None)
        if nearest is not None and nearest * 1000 < max(abs(ordered[0]), abs(ordered[-1])):
            return [self.figures.exact(amount) for amount in shown]
        return self.figures.side_by_side(shown)

    def _told(self) -> Iterator[Decimal | None]:
        """The amounts that stand side by side in the sentence, so that none looks like another."""
        e = self.e
        yield e.value
        yield self.lost_at
        yield from (line.decides_at for line in (e.line_above, e.clearing) if line)
        # what is `above` its bound decides one step past it: the bound is the number that it must not look like
        yield from (line.value for line in (e.line_above, e.clearing) if line and line.rule_kind == "above")
        if e.reason in ("override", "held_by_band"):
            yield from (line.value for line in (e.line, e.line_above) if line)
        if e.change:
            yield from (e.change.score_before, e.change.score, e.change.line_before, e.change.line_now)

    def day(self, when: date) -> str:
        return day(when, self.language)

    def number(self, count: int | None) -> str:
        return number(count or 0, self.language)

    @property
    def is_too_new(self) -> bool:
        return self.e.gradable_from is not None and self.e.gradable_from > self.e.as_of

    @property
    def is_rising(self) -> bool:
        return (self.e.decision_rows or "").startswith(_RISES)

    @property
    def is_held(self) -> bool:
        """A rise or a fall is on its way, or at a line: what would move the tier is said where it is told."""
        return self.e.reason in (
            "held_by_confirmation",
            "held_by_grace",
            "held_by_stay",
            "held_by_calendar",
        )

    @property
    def days_so_far(self) -> int:
        """How many days the rise or the fall has lasted, today included."""
        began = self.e.clearing_since if self.is_rising else self.e.missing_since
        return (self.e.as_of - began).days + 1 if began else 0

    @property
    def crossed(self) -> tuple[Line, Decimal, Decimal] | None:
        """The line that was crossed and waits to count, where it decides, and by how much it is crossed."""
        line = self.e.line if self.e.reason != "waiting_for_seat" and not self.is_rising else self._risen_over()
        if line is None or line.decides_at is None or self.e.value is None:
            return None
        return line, line.decides_at, abs(self.e.value - line.decides_at)

    def _risen_over(self) -> Line | None:
        e = self.e
        if e.reason != "waiting_for_seat":
            return e.clearing
        above = e.line_above
        is_past = above and e.wanted and above.tier == e.wanted.tier and e.value and e.value >= (above.decides_at or 0)
        return above if is_past else None

    @property
    def stays_until(self) -> date | None:
        """The last day of a stay that outlasts the next review."""
        e = self.e
        last = e.tier_since + timedelta(days=self.stability.minimum_stay_days - 1)
        return last if e.graded == "graded" and e.next_review and last >= e.next_review else None

    @property
    def can_move_on(self) -> date | None:
        """The review that completes it, where the next one does."""
        e = self.e
        if e.earliest_change_on is None or e.next_review is None:
            return None
        if e.earliest_change_on <= e.next_review:
            return e.next_review
        return e.earliest_change_on if self.policy.entry.review_calendar == "nightly" else None

    @property
    def moves_next(self) -> bool:
        return self.is_held and self.can_move_on is not None and self.can_move_on == self.e.next_review

    @property
    def has_reached_its_tier(self) -> bool:
        """Whether today's value alone gives the tier held, or a higher one."""
        ranks = {tier.tier: rank for rank, tier in enumerate(self.policy.tiers, start=1)}
        reached, held = (ranks.get(line.tier) if line else None for line in (self.e.reached, self.e.line))
        return reached is not None and held is not None and reached <= held

    @property
    def ways(self) -> tuple[bool, bool]:
        """Whether the way up and the way down are worth telling: the one that today's reason leaves open."""
        e = self.e
        if e.graded == "not_graded" or e.value is None or self.is_held:
            return False, False
        if e.reason in ("override", "held_not_eligible", "waiting_for_seat"):
            return False, False
        if e.reason == "held_by_band" and e.line and e.line.rule_kind != "all":
            return self.has_reached_its_tier, not self.has_reached_its_tier
        if e.reason == "demoted":
            return not e.is_limited_by_steps, False
        return e.reason != "promoted" or e.tier_rank != 1, True

    @property
    def lost_at(self) -> Decimal | None:
        """Where the tier is lost. Provisional customers know no band: theirs is the line itself."""
        line = self.e.line
        if line is None or line.rule_kind not in ("top_share", "above", "at_least"):
            return None
        return line.decides_at if self.e.graded == "graded" else line.value

    @property
    def fall(self) -> Decimal | None:
        """The fall that costs the tier; None where there is no such line, or it is missed already."""
        e = self.e
        if self.lost_at is None or e.value is None or e.missing_since is not None or e.value < self.lost_at:
            return None
        return e.gap_down if e.graded == "graded" else e.value - self.lost_at

    @property
    def was_held_before(self) -> bool:
        """Whether the tier that a person decided was the customer's already."""
        return self.e.override is not None and self.e.override.starts_on > self.e.tier_since

    @property
    def was_above_its_bound(self) -> bool:
        """Whether the tier that was lost leaves its bound out."""
        lost = self.e.change.from_tier if self.e.change else None
        return any(tier.tier == lost and tier.rule_kind == "above" for tier in self.policy.tiers)

    def conditions(self, line: Line) -> list[Condition]:
        tier = next(tier for tier in self.policy.tiers if tier.tier == line.tier)
        return tier.conditions(self.policy.entry.measure)

    def values(self) -> list[tuple[Measure, Decimal | None, str]]:
        """What is known of each measure the policy looks at, its own first."""
        known = self.e.conditions or {self.e.measure: self.e.value}
        return [
            (
                self.catalogue[name],
                value,
                ""
                if value is None
                else self.say(value)
                if name == self.e.measure
                else Figures(self.catalogue[name], self.e.currency, self.language).exact(value),
            )
            for name, value in known.items()
        ]

    def dimensions(self) -> list[tuple[str, str]]:
        """What the score is made of, beside the one that ranks: a label, and the score or nothing."""
        scores = {
            name: value for name, value in (self.e.scores or {}).items() if name not in (VALUE_SCORE, self.e.measure)
        }
        return [
            (
                in_a_sentence(getattr(self.catalogue[name], f"label_{self.language}"), self.language),
                "" if value is None else Figures(self.catalogue[name], None, self.language).about(value),
            )
            for name, value in scores.items()
        ]

    @property
    def partly_known(self) -> Decimal | None:
        """What of the score's weight is known, where that is something and not all."""
        return self.e.coverage if self.e.coverage and self.e.coverage < 1 else None

    def signed(self, amount: Decimal) -> str:
        return ("+" if amount > 0 else "-") + self.figures.difference(abs(amount))

    def moved(self, change: Change) -> list[tuple[str, Decimal]]:
        """The parts that are not 0, biggest first."""
        parts = [(part, amount) for part, amount in change.parts.items() if amount]
        return sorted(parts, key=lambda part: -abs(part[1]))

    def own_parts(self, change: Change | None) -> tuple[Decimal, Decimal]:
        """What the customer did, and what it did earlier and no longer counts."""
        parts = change.parts if change else {}
        return parts.get("own_behaviour", Decimal(0)), parts.get("left_window", Decimal(0))

    def say(self, amount: Decimal) -> str:
        return self.said.get(amount) or self.figures.about(amount)


class English(Sentence):
    language: Language = "en"

    def sentence(self) -> str:
        e = self.e
        who = f"Customer {e.customer}"
        if e.is_past:
            return f"{who} on {self.day(e.as_of)}, as decided then ({e.policy_label_en}): {self._back_then()}"
        if e.reason == "left_population":
            before = f"; it was {e.change.from_tier_en} before" if e.change and e.change.from_tier_en else ""
            return (
                f"{who} is no longer among the customers of this policy since {self.day(e.tier_since)}"
                f" ({e.policy_label_en}){before}."
            )
        parts = [self._too_new(), self._value(), *self._ways(), self._review()]
        return f"{who} {self._opening()} ({e.policy_label_en}): {'; '.join(part for part in parts if part)}." + (
            self._what_moved() or self._why_by_hand()
        )

    # --- how the tier came ------------------------------------------------------------------------------------------

    def _opening(self) -> str:
        e = self.e
        since, tier = self.day(e.tier_since), e.tier_label_en
        if e.graded == "not_graded":
            return "is not graded"
        if e.graded == "provisional":
            return f"has been provisionally {tier} since {since}"
        openings = {
            "reached": f"became {tier} on {since}" if e.tier_since == e.as_of else f"has been {tier} since {since}",
            "existing": f"starts as {tier} on {since}, the tier it held before this policy began",
            "promoted": f"rose {self._from()}to {tier} on {since}{self._cause()}",
            "demoted": f"fell {self._from()}to {tier} on {since}{self._cause()}",
            "unchanged": f"has been {tier} since {since}",
            "override": f"has been {tier} since {since}{self._from_when()} by decision of {self._author()}, {self._until()}",
            "override_ended": f"has been {tier} since {since}, when {self._author(whose=True)} decision ended",
            "merged": f"has been {tier} since {since}, after records of one customer were joined",
            "split": f"has been {tier} since {since}, after records of several customers were parted",
            "waiting_for_seat": f"has been {tier} since {since} and waits for a seat as {self._wanted()}",
        }
        return openings.get(e.reason, f"has kept {tier} since {since}")

    def _from(self) -> str:
        return f"from {self.e.change.from_tier_en} " if self.e.change and self.e.change.from_tier_en else ""

    def _cause(self) -> str:
        is_up = self.e.reason == "promoted"
        causes = {
            "policy_changed": "the policy changed",
            "identity_changed": "customer records were joined or parted",
            "data_corrected": "its records were corrected",
            "model_refitted": "the forecast was recalculated",
            "behaviour": self._own(is_up),
            "others_moved": "other customers fell back" if is_up else "other customers moved ahead",
        }
        return f" because {causes[self.e.cause]}" if self.e.cause in causes else ""

    def _own(self, is_up: bool) -> str:
        own, left = self.own_parts(self.e.change)
        if not is_up and own >= 0 and left < 0:
            return "older business no longer counts"
        return "its own business " + ("grew" if is_up and own > 0 else "shrank" if not is_up and own < 0 else "changed")

    def _author(self, *, whose: bool = False) -> str:
        author = self.e.override.author if self.e.override else ""
        if whose:
            return f"{author}'s" if author else "a person's"
        return author or "a person"

    def _from_when(self) -> str:
        return f", from {self.day(self.e.override.starts_on)} on" if self.e.override and self.was_held_before else ""

    def _until(self) -> str:
        override = self.e.override
        if override is None or override.ends_on is None:
            return "open, with no end date"
        return f"until {self.day(override.ends_on)}"

    def _why_by_hand(self) -> str:
        given = self.e.override
        return f" The reason given: {_quoted(given.reason)}." if given and self.e.reason == "override" else ""

    def _wanted(self) -> str:
        e = self.e
        place = f", number {self.number(e.place_in_queue)} in the queue" if e.place_in_queue else ""
        return f"{e.wanted.label_en if e.wanted else 'a higher tier'}{place}"

    def _too_new(self) -> str:
        e = self.e
        if e.graded == "graded" and e.reason != "held_not_eligible":
            return ""
        if not self.is_too_new or e.gradable_from is None:
            return ""
        can = f"it can be graded from {self.day(e.gradable_from)} on"
        return f"{can} and keeps {e.tier_label_en} until then" if e.reason == "held_not_eligible" else can

    # --- the value, and the line it is held against -----------------------------------------------------------------

    def _value(self) -> str:
        e = self.e
        label = in_a_sentence(e.measure_label_en, "en")
        if e.value is None:
            unknown = f"nothing is known of its {label}"
            if e.reason == "held_not_eligible":
                return f"{unknown}, so it cannot be graded today and keeps what it held"
            return unknown if e.graded == "graded" else f"{unknown}, so it cannot be graded"
        having = " and ".join(
            f"{in_a_sentence(measure.label_en, 'en')} of {said}" if said else f"no known {measure.label_en.lower()}"
            for measure, _, said in self.values()
        )
        having += self._made_of()
        rank = self._rank("rank")
        told = self._held(f"with {having} ({rank}) it" if rank else f"with {having} it")
        if told:
            return told
        if not rank:
            return f"so far it has {having}"
        return f"with {having} it {self._rank('would rank' if e.graded == 'provisional' else 'ranks')}"

    def _made_of(self) -> str:
        made = ", ".join(f"{label} {said}" if said else f"no known {label}" for label, said in self.dimensions())
        known = f"{percent(self.partly_known, 'en')} of its weight known" if self.partly_known else ""
        inside = "; ".join(part for part in (made, known) if part)
        return f" [{inside}]" if inside else ""

    def _rank(self, ranks: str) -> str:
        e = self.e
        if e.rank_position is None or e.value is None:
            return ""
        rank, ranked = f"{ranks} {self.number(e.rank_position)}", self.number(e.ranked_customers)
        group = " in its group" if self.policy.entry.rank_within else ""
        return f"{rank}, behind all {ranked} customers above 0{group}" if e.value <= 0 else f"{rank} of {ranked}{group}"

    def _held(self, having: str) -> str:
        """What the value means where it decides today: the line crossed, and what the change still waits for."""
        e = self.e
        if self.is_held:
            since = self.day((e.clearing_since if self.is_rising else e.missing_since) or e.as_of)
            return f"{having} {self._crossed()}, since {since}{self._waits()}"
        means = {
            "promoted": f" {self._risen_today()}",
            "demoted": f" {self._missed_today()}",
            "override": self._by_itself(),
            "waiting_for_seat": f" {self._crossed()}, but all its seats are taken",
            "held_by_band": f" {self._near_a_line()}",
            "held_by_guard": " waits for a person to decide about last night's changes",
            "held_not_eligible": "" if self.is_too_new else " cannot be graded today and keeps what it held",
        }.get(e.reason)
        return having + means if means else ""

    def _crossed(self) -> str:
        e = self.e
        if self.crossed is None:
            wanted = e.wanted or e.clearing
            above = wanted.label_en if wanted else "a higher tier"
            return (
                f"is enough for {above}"
                if self.is_rising or e.reason == "waiting_for_seat"
                else f"is not enough for {e.tier_label_en}"
            )
        line, at, beyond = self.crossed
        amount = self.figures.difference(beyond, ROUND_FLOOR)
        if self.is_rising or e.reason == "waiting_for_seat":
            return f"is {f'{amount} past' if beyond else 'at'} the {self.say(at)} that {self._tier(line)} takes"
        if line.rule_kind == "above":
            return f"does not pass the {self.say(at)} that {line.label_en} must pass"
        below = f"{amount} below" if beyond else "just behind"
        return f"is {below} the {self.say(at)} that keeps {line.label_en}"

    def _risen_today(self) -> str:
        change, line = self.e.change, self.e.line
        if change is None or change.line_now is None or line is None:
            return f"is enough for {self.e.tier_label_en}"
        return f"reaches the {self.say(change.line_now)} that {self._tier(line)} takes"

    def _missed_today(self) -> str:
        change = self.e.change
        lost = change.from_tier_en if change and change.from_tier_en else "the tier before"
        steps = self._limited()
        if change is None or change.line_now is None:
            return f"is not enough for {lost}{steps}"
        if self.was_above_its_bound:
            return f"does not pass the {self.say(change.line_now)} that {lost} must pass{steps}"
        short = change.line_now - (self.e.value or 0)
        below = f"{self.figures.difference(short, ROUND_CEILING)} below" if short > 0 else "just behind"
        return f"is {below} the {self.say(change.line_now)} that keeps {lost}{steps}"

    def _limited(self) -> str:
        if not self.e.is_limited_by_steps:
            return ""
        steps = self.stability.maximum_steps_down or 1
        most = "one tier" if steps == 1 else f"at most {self.number(steps)} tiers"
        alone = f"by itself that would make it {self.e.reached.label_en}, but " if self.e.reached else ""
        return f"; {alone}it falls {most} at a time"

    def _by_itself(self) -> str:
        e, line = self.e, self.e.line
        if e.reached is None or line is None:
            return ""
        alone = f" would by itself be {e.reached.label_en}"
        if self.has_reached_its_tier or line.value is None or e.value is None or e.value >= line.value:
            return alone
        short = self.figures.difference(line.value - e.value, ROUND_CEILING)
        return f"{alone}, {short} short of the line of {self.say(line.value)} for {self._tier(line)}"

    def _near_a_line(self) -> str:
        e = self.e
        if self.has_reached_its_tier:
            above = e.line_above
            passed = f"the line of {self.say(above.value)} for {above.label_en}" if above and above.value else "a line"
            return f"is past {passed}, but not clearly enough to rise"
        if e.line is None or e.line.value is None:
            return "is close to a line, and tiers change only when one is clearly crossed"
        if e.line.value == e.value:
            return f"ties for the last seat of {e.line.label_en}, and who holds a seat keeps it"
        below = "not past" if e.line.rule_kind == "above" else "below"
        return f"is {below} the line of {self.say(e.line.value)} for {e.line.label_en}, but not by enough to lose it"

    def _waits(self) -> str:
        e, moves = self.e, "rise" if self.is_rising else "fall"
        if e.reason == "held_by_calendar":
            when = f", on {self.day(e.next_review)}," if e.next_review else ""
            return f"; tiers move at reviews only, and it {moves}s at the next one{when} if nothing changes"
        can = ""
        if self.can_move_on:
            at = "at the next review, on" if self.moves_next else "on"
            can = f"it can {moves} {at} {self.day(self.can_move_on)}"
        if not can and e.earliest_change_on:
            can = f"it can {moves} at the first review from {self.day(e.earliest_change_on)} on"
        then = f"; {can}" if can else ""
        if e.reason == "held_by_confirmation":
            return f", day {self.days_so_far} of the {self.stability.confirm_days} it must last{then}"
        if e.reason == "held_by_grace":
            grace = self.stability.confirm_days + self.stability.grace_days
            return f", day {self.days_so_far} of {grace} days of grace{then}"
        ends = e.tier_since + timedelta(days=self.stability.minimum_stay_days - 1)
        return f", but {e.tier_label_en} is protected until {self.day(ends)}{then}"

    def _tier(self, line: Line) -> str:
        return line.label_en if line.share is None else f"{line.label_en} (top {percent(line.share, 'en')})"

    # --- the ways up and down ---------------------------------------------------------------------------------------

    def _ways(self) -> list[str]:
        tells_up, tells_down = self.ways
        up = self._up() if tells_up else ""
        if not tells_down:
            return [up]
        return [up + self._down(" and ")] if up.startswith("it rises") else [up, self._down("it ")]

    def _up(self) -> str:
        e, line = self.e, self.e.line_above
        if line is None:
            return "there is no tier above" if e.tier_rank == 1 else ""
        if line.rule_kind == "manual":
            return f"{line.label_en}, the tier above, is given by people only"
        if line.rule_kind == "all":
            return f"{line.label_en} takes {' and '.join(map(self._asked, self.conditions(line)))}"
        if line.decides_at is None:
            share, ranked = percent(line.share or Decimal(0), "en"), self.number(e.ranked_customers)
            return (
                f"it cannot reach {line.label_en} today, as the top {share} of {ranked} customers is less than one seat"
            )
        if not e.gap_up:
            return ""
        more = self.figures.difference(e.gap_up, ROUND_CEILING)
        return f"it rises to {self._tier(line)} at {self.say(line.decides_at)} ({more} more)"

    def _asked(self, condition: Condition) -> str:
        measure = self.catalogue[condition.measure]
        label = in_a_sentence(measure.label_en, "en")
        if condition.share is not None:
            return f"the top {percent(condition.share, 'en')} by {label}"
        bound = Figures(measure, self.e.currency, "en").exact(condition.bound or Decimal(0))
        return f"{label} above {bound}" if condition.kind == "above" else f"{label} of {bound} or more"

    def _down(self, begins: str) -> str:
        line, fall = self.e.line, self.fall
        if line is None or fall is None or self.lost_at is None:
            return ""
        if line.rule_kind == "above":
            said = f"at {self.say(self.lost_at)} or less ({self.figures.difference(fall, ROUND_FLOOR)} less)"
        elif fall == 0:
            said = f"below {self.say(self.lost_at)} (any fall)"
        else:
            said = f"below {self.say(self.lost_at)} ({self.figures.difference(fall, ROUND_FLOOR)} less)"
        stay = f", though not before {self.day(self.stays_until + timedelta(days=1))}" if self.stays_until else ""
        return f"{begins}loses {line.label_en} {said}{stay}"

    def _review(self) -> str:
        if self.e.next_review is None or self.moves_next or self.e.reason == "held_by_calendar":
            return ""
        return f"next review on {self.day(self.e.next_review)}"

    # --- what moved -------------------------------------------------------------------------------------------------

    def _what_moved(self) -> str:
        e, change = self.e, self.e.change
        if change is None or change.score is None or e.cause is None or self._cause() == "":
            return ""
        label = in_a_sentence(e.measure_label_en, "en")
        words = {
            "policy": "the policy",
            "identity": "records joined or parted",
            "corrected_data": "corrected records",
            "value_model": "the recalculated forecast",
            "own_behaviour": "its own business",
            "left_window": "older business that no longer counts",
            "others_moved": "other customers",
        }
        parts = ", ".join(f"{self.signed(amount)} from {words[part]}" for part, amount in self.moved(change))
        if parts and change.score_before is not None:
            went = f"its {label} went from {self.say(change.score_before)} to {self.say(change.score)}: {parts}"
        elif parts:
            went = f"its {label} came to {self.say(change.score)}: {parts}"
        else:
            went = f"its {label} stayed at {self.say(change.score)}"
        when = f"Since {self.day(change.changed_from)}"
        if e.is_past:
            when = f"From {self.day(change.changed_from)} to {self.day(change.as_of)}"
        return f" {when} {went}; {self._line_moved(change)}."

    def _line_moved(self, change: Change) -> str:
        if change.line_now is None:
            return "several lines decide together"
        if change.line_before is None:
            return f"there was no such line before, now it is {self.say(change.line_now)}"
        if change.line_before == change.line_now:
            return f"the line stayed at {self.say(change.line_now)}"
        return f"the line went from {self.say(change.line_before)} to {self.say(change.line_now)}"

    # --- a past day -------------------------------------------------------------------------------------------------

    def _back_then(self) -> str:
        e = self.e
        since, tier = self.day(e.tier_since), e.tier_label_en
        if e.reason == "left_population":
            return f"it was no longer among the customers of this policy, since {since}."
        if e.graded == "not_graded":
            held = f"it was not graded, since {since}"
        elif e.graded == "provisional":
            held = f"it was provisionally {tier}, since {since}"
        else:
            how = {
                "reached": "when it was graded",
                "existing": "the tier it held before this policy began",
                "promoted": f"when it rose {self._from()}".strip() + self._cause(),
                "demoted": f"when it fell {self._from()}".strip() + self._cause(),
                "override": f"by decision of {self._author()}",
                "override_ended": f"when {self._author(whose=True)} decision ended",
                "waiting_for_seat": "while the seats of a higher tier were taken",
                "merged": "after records of one customer were joined",
                "split": "after records of several customers were parted",
            }.get(e.reason, "")
            held = f"it was {tier}, since {since}" + (f", {how}" if how else "")
        change = e.change
        if e.as_of == e.tier_since and change and change.score is not None and not self._what_moved():
            label = in_a_sentence(e.measure_label_en, "en")
            line = f", and the line for {tier} was {self.say(change.line_now)}" if change.line_now is not None else ""
            return f"{held}; its {label} was {self.say(change.score)}{line}."
        if e.as_of == e.tier_since and self._what_moved():
            return f"{held}.{self._what_moved()}"
        unknown = "its value and the line of that very day are not in the current release"
        return f"{held}; {unknown}.{self._what_moved()}"


class Chinese(Sentence):
    language: Language = "zh"

    def sentence(self) -> str:
        e = self.e
        who = f"客户 {e.customer} "
        if e.is_past:
            return f"{who}在{self.day(e.as_of)}的评定结果（{e.policy_label_zh}，以当时的评定为准）：{self._back_then()}"
        if e.reason == "left_population":
            before = f"，此前为{e.change.from_tier_zh}" if e.change and e.change.from_tier_zh else ""
            return f"{who}自{self.day(e.tier_since)}起不再属于评定范围（{e.policy_label_zh}）{before}。"
        parts = [self._too_new(), self._value(), *self._ways(), self._review()]
        return f"{who}{self._opening()}（{e.policy_label_zh}）：{'；'.join(part for part in parts if part)}。" + (
            self._what_moved() or self._why_by_hand()
        )

    # --- how the tier came ------------------------------------------------------------------------------------------

    def _opening(self) -> str:
        e = self.e
        since, tier = self.day(e.tier_since), e.tier_label_zh
        if e.graded == "not_graded":
            return "暂不参与分级"
        if e.graded == "provisional":
            return f"自{since}起暂列{tier}"
        openings = {
            "reached": f"于{since}评为{tier}" if e.tier_since == e.as_of else f"自{since}起为{tier}",
            "existing": f"于{since}沿用规则启用前的{tier}等级",
            "promoted": f"{self._cause()}于{since}{self._from()}升为{tier}",
            "demoted": f"{self._cause()}于{since}{self._from()}降为{tier}",
            "unchanged": f"自{since}起为{tier}",
            "override": f"{self._from_when()}由{self._author()}指定为{tier}，{self._until()}",
            "override_ended": f"在{self._author()}的指定结束后，自{since}起为{tier}",
            "merged": f"客户档案合并后，自{since}起为{tier}",
            "split": f"客户档案拆分后，自{since}起为{tier}",
            "waiting_for_seat": f"自{since}起为{tier}，正在候补{self._wanted()}",
        }
        return openings.get(e.reason, f"自{since}起为{tier}，等级暂不变动")

    def _from(self) -> str:
        return f"由{self.e.change.from_tier_zh}" if self.e.change and self.e.change.from_tier_zh else ""

    def _cause(self) -> str:
        is_up = self.e.reason == "promoted"
        causes = {
            "policy_changed": "分级规则调整",
            "identity_changed": "客户档案合并或拆分",
            "data_corrected": "数据更正",
            "model_refitted": "预测重新计算",
            "behaviour": self._own(is_up),
            "others_moved": "其他客户回落" if is_up else "被其他客户赶超",
        }
        return f"因{causes[self.e.cause]}，" if self.e.cause in causes else ""

    def _own(self, is_up: bool) -> str:
        own, left = self.own_parts(self.e.change)
        if not is_up and own >= 0 and left < 0:
            return "早期业务移出统计期"
        return "自身业务" + ("增长" if is_up and own > 0 else "下滑" if not is_up and own < 0 else "变化")

    def _author(self) -> str:
        return f" {self.e.override.author} " if self.e.override else "人工"

    def _from_when(self) -> str:
        since = f"自{self.day(self.e.tier_since)}起"
        if self.e.override is None or not self.was_held_before:
            return since
        return f"{since}为{self.e.tier_label_zh}，自{self.day(self.e.override.starts_on)}起"

    def _until(self) -> str:
        override = self.e.override
        if override is None or override.ends_on is None:
            return "未设截止日期"
        return f"有效期至{self.day(override.ends_on)}"

    def _why_by_hand(self) -> str:
        given = self.e.override
        return f"指定理由：“{_shortened(given.reason)}”。" if given and self.e.reason == "override" else ""

    def _wanted(self) -> str:
        e = self.e
        place = f"，排第{self.number(e.place_in_queue)}位" if e.place_in_queue else ""
        return f"{e.wanted.label_zh if e.wanted else '更高等级'}名额{place}"

    def _too_new(self) -> str:
        e = self.e
        if e.graded == "graded" and e.reason != "held_not_eligible":
            return ""
        if not self.is_too_new or e.gradable_from is None:
            return ""
        can = f"自{self.day(e.gradable_from)}起可正式分级"
        return f"{can}，此前保留{e.tier_label_zh}等级" if e.reason == "held_not_eligible" else can

    # --- the value, and the line it is held against -----------------------------------------------------------------

    def _value(self) -> str:
        e = self.e
        label = in_a_sentence(e.measure_label_zh, "zh")
        if e.value is None:
            if e.reason == "held_not_eligible":
                return f"{label}未知，今日无法评定，保留原等级"
            return f"{label}未知" if e.graded == "graded" else f"{label}未知，因此无法正式分级"
        having = "、".join(
            f"{in_a_sentence(measure.label_zh, 'zh')}{f'为{said}' if said else '未知'}"
            for measure, _, said in self.values()
        )
        told = self._held()
        return f"{having}{self._made_of()}{self._rank()}" + (f"，{told}" if told else "")

    def _made_of(self) -> str:
        made = "、".join(f"{label}{said or '未知'}" for label, said in self.dimensions())
        known = f"已知权重{percent(self.partly_known, 'zh')}" if self.partly_known else ""
        inside = "；".join(part for part in (made, known) if part)
        return f"（{inside}）" if inside else ""

    def _rank(self) -> str:
        e = self.e
        if e.rank_position is None or e.value is None:
            return ""
        rank, ranked = self.number(e.rank_position), self.number(e.ranked_customers)
        would = "相当于排" if e.graded == "provisional" else "排"
        group = "同组" if self.policy.entry.rank_within else ""
        if e.value <= 0:
            return f"，{would}第{rank}位，在{group}{ranked}名数值为正的客户之后"
        return f"，在{group}{ranked}名客户中{would}第{rank}位"

    def _held(self) -> str:
        e = self.e
        if self.is_held:
            since = self.day((e.clearing_since if self.is_rising else e.missing_since) or e.as_of)
            return f"自{since}起{self._crossed()}{self._waits()}"
        return {
            "promoted": self._risen_today(),
            "demoted": self._missed_today(),
            "override": self._by_itself(),
            "waiting_for_seat": f"{self._crossed()}，但名额已满",
            "held_by_band": self._near_a_line(),
            "held_by_guard": "昨夜的变动有待人工决定",
            "held_not_eligible": "" if self.is_too_new else "今日无法评定，保留原等级",
        }.get(e.reason, "")

    def _crossed(self) -> str:
        e = self.e
        if self.crossed is None:
            wanted = e.wanted or e.clearing
            above = wanted.label_zh if wanted else "更高等级"
            is_up = self.is_rising or e.reason == "waiting_for_seat"
            return f"已符合{above}的条件" if is_up else f"不再符合{e.tier_label_zh}的条件"
        line, at, beyond = self.crossed
        amount = self.figures.difference(beyond, ROUND_FLOOR)
        if self.is_rising or e.reason == "waiting_for_seat":
            return f"已达到{self._tier(line)}的升级线{self.say(at)}" + (f"（超出{amount}）" if beyond else "")
        short = f"（相差{amount}）" if beyond else ""
        verb = "未超过" if line.rule_kind == "above" else "低于" if beyond else "未守住"
        return f"{verb}{line.label_zh}的保级线{self.say(at)}{short}"

    def _risen_today(self) -> str:
        change, line = self.e.change, self.e.line
        if change is None or change.line_now is None or line is None:
            return f"符合{self.e.tier_label_zh}的条件"
        return f"达到{self._tier(line)}的升级线{self.say(change.line_now)}"

    def _missed_today(self) -> str:
        change = self.e.change
        lost = change.from_tier_zh if change and change.from_tier_zh else "原等级"
        steps = self._limited()
        if change is None or change.line_now is None:
            return f"不再符合{lost}的条件{steps}"
        if self.was_above_its_bound:
            return f"未超过{lost}的保级线{self.say(change.line_now)}{steps}"
        short = change.line_now - (self.e.value or 0)
        below = f"（相差{self.figures.difference(short, ROUND_CEILING)}）" if short > 0 else ""
        verb = "低于" if short > 0 else "未守住"
        return f"{verb}{lost}的保级线{self.say(change.line_now)}{below}{steps}"

    def _limited(self) -> str:
        if not self.e.is_limited_by_steps:
            return ""
        alone = f"，仅按数值应为{self.e.reached.label_zh}" if self.e.reached else ""
        return f"{alone}，但每次最多降{self.number(self.stability.maximum_steps_down or 1)}级"

    def _by_itself(self) -> str:
        e, line = self.e, self.e.line
        if e.reached is None or line is None:
            return ""
        alone = f"仅按数值应为{e.reached.label_zh}"
        if self.has_reached_its_tier or line.value is None or e.value is None or e.value >= line.value:
            return alone
        short = self.figures.difference(line.value - e.value, ROUND_CEILING)
        return f"{alone}，距{self._tier(line)}的分级线{self.say(line.value)}还差{short}"

    def _near_a_line(self) -> str:
        e = self.e
        if self.has_reached_its_tier:
            above = e.line_above
            passed = f"{above.label_zh}的分级线{self.say(above.value)}" if above and above.value else "分级线"
            return f"虽已达到{passed}，但超出幅度不足，暂不升级"
        if e.line is None or e.line.value is None:
            return "处于分级线附近，明显越线才变动等级"
        if e.line.value == e.value:
            return f"与{e.line.label_zh}最后一个名额的客户持平，已有等级者予以保留"
        below = "未超过" if e.line.rule_kind == "above" else "低于"
        return f"虽{below}{e.line.label_zh}的分级线{self.say(e.line.value)}，但未跌破保级线，暂不降级"

    def _waits(self) -> str:
        e, moves = self.e, "升级" if self.is_rising else "降级"
        if e.reason == "held_by_calendar":
            return f"，但等级只在评定日调整，如无变化将于下次评定时{moves}"
        then = ""
        if self.can_move_on:
            then = f"，最早于{'下次评定时' if self.moves_next else self.day(self.can_move_on)}{moves}"
        if not then and e.earliest_change_on:
            then = f"，最早在{self.day(e.earliest_change_on)}起的首个评定日{moves}"
        if e.reason == "held_by_confirmation":
            return f"，须持续满{self.stability.confirm_days}天（今日为第{self.days_so_far}天）{then}"
        if e.reason == "held_by_grace":
            grace = self.stability.confirm_days + self.stability.grace_days
            return f"，仍在{grace}天宽限期内（今日为第{self.days_so_far}天）{then}"
        ends = e.tier_since + timedelta(days=self.stability.minimum_stay_days - 1)
        return f"，但保级期至{self.day(ends)}{then}"

    def _tier(self, line: Line) -> str:
        return line.label_zh if line.share is None else f"{line.label_zh}（前{percent(line.share, 'zh')}）"

    # --- the ways up and down ---------------------------------------------------------------------------------------

    def _ways(self) -> list[str]:
        tells_up, tells_down = self.ways
        return [self._up() if tells_up else "", self._down() if tells_down else ""]

    def _up(self) -> str:
        e, line = self.e, self.e.line_above
        if line is None:
            return "已是最高等级" if e.tier_rank == 1 else ""
        if line.rule_kind == "manual":
            return f"上一等级{line.label_zh}仅由人工指定"
        if line.rule_kind == "all":
            return f"升为{line.label_zh}须{'，且'.join(map(self._asked, self.conditions(line)))}"
        if line.decides_at is None:
            share, ranked = percent(line.share or Decimal(0), "zh"), self.number(e.ranked_customers)
            return f"今日无法升为{line.label_zh}（{ranked}名客户的{share}不足一个名额）"
        if not e.gap_up:
            return ""
        more = self.figures.difference(e.gap_up, ROUND_CEILING)
        return f"达到{self.say(line.decides_at)}（再增加{more}）可升为{self._tier(line)}"

    def _asked(self, condition: Condition) -> str:
        measure = self.catalogue[condition.measure]
        label = in_a_sentence(measure.label_zh, "zh")
        if condition.share is not None:
            return f"{label}居前{percent(condition.share, 'zh')}"
        bound = Figures(measure, self.e.currency, "zh").exact(condition.bound or Decimal(0))
        return f"{label}超过{bound}" if condition.kind == "above" else f"{label}达到{bound}"

    def _down(self) -> str:
        e, line, fall = self.e, self.e.line, self.fall
        if line is None or fall is None or self.lost_at is None:
            return ""
        at = self.say(self.lost_at)
        less = f"减少{self.figures.difference(fall, ROUND_FLOOR)}" if fall else "稍有减少"
        said = f"{f'降至{at}或以下' if line.rule_kind == 'above' else f'低于{at}'}（{less}）"
        stay = f"（保级期至{self.day(self.stays_until)}）" if self.stays_until else ""
        return f"{said}将失去{e.tier_label_zh}等级{stay}"

    def _review(self) -> str:
        return f"下次评定：{self.day(self.e.next_review)}" if self.e.next_review else ""

    # --- what moved -------------------------------------------------------------------------------------------------

    def _what_moved(self) -> str:
        e, change = self.e, self.e.change
        if change is None or change.score is None or e.cause is None or self._cause() == "":
            return ""
        label = in_a_sentence(e.measure_label_zh, "zh")
        words = {
            "policy": "规则调整",
            "identity": "档案合并或拆分",
            "corrected_data": "数据更正",
            "value_model": "预测重新计算",
            "own_behaviour": "自身业务",
            "left_window": "早期业务移出统计期",
            "others_moved": "其他客户变动",
        }
        parts = "，".join(f"{words[part]}{self.signed(amount)}" for part, amount in self.moved(change))
        if parts and change.score_before is not None:
            went = f"{label}由{self.say(change.score_before)}变为{self.say(change.score)}（{parts}）"
        elif parts:
            went = f"{label}为{self.say(change.score)}（{parts}）"
        else:
            went = f"{label}保持{self.say(change.score)}"
        when = f"自{self.day(change.changed_from)}以来"
        if e.is_past:
            when = f"{self.day(change.changed_from)}至{self.day(change.as_of)}"
        return f"{when}，{went}；{self._line_moved(change)}。"

    def _line_moved(self, change: Change) -> str:
        if change.line_now is None:
            return "等级由多项条件共同决定"
        name = "升级线" if self.e.reason == "promoted" else "保级线" if self.e.reason == "demoted" else "分级线"
        if change.line_before is None:
            return f"此前没有该{name}，现为{self.say(change.line_now)}"
        if change.line_before == change.line_now:
            return f"{name}保持{self.say(change.line_now)}"
        return f"{name}由{self.say(change.line_before)}变为{self.say(change.line_now)}"

    # --- a past day -------------------------------------------------------------------------------------------------

    def _back_then(self) -> str:
        e = self.e
        since, tier = self.day(e.tier_since), e.tier_label_zh
        if e.reason == "left_population":
            return f"自{since}起不再属于评定范围。"
        if e.graded == "not_graded":
            held = f"自{since}起未参与分级"
        elif e.graded == "provisional":
            held = f"自{since}起暂列{tier}"
        else:
            held = {
                "reached": f"于{since}评为{tier}",
                "existing": f"于{since}沿用规则启用前的{tier}等级",
                "promoted": f"{self._cause()}于{since}{self._from()}升为{tier}",
                "demoted": f"{self._cause()}于{since}{self._from()}降为{tier}",
                "override": f"自{since}起由{self._author()}指定为{tier}",
                "override_ended": f"在{self._author()}的指定结束后，自{since}起为{tier}",
                "waiting_for_seat": f"因更高等级名额已满，自{since}起为{tier}",
                "merged": f"客户档案合并后，自{since}起为{tier}",
                "split": f"客户档案拆分后，自{since}起为{tier}",
            }.get(e.reason, f"自{since}起为{tier}")
        change = e.change
        if e.as_of == e.tier_since and change and change.score is not None and not self._what_moved():
            label = in_a_sentence(e.measure_label_zh, "zh")
            line = f"，{tier}的分级线为{self.say(change.line_now)}" if change.line_now is not None else ""
            return f"{held}；当日{label}为{self.say(change.score)}{line}。"
        if e.as_of == e.tier_since and self._what_moved():
            return f"{held}。{self._what_moved()}"
        return f"{held}；当前发布中没有当日的数值和分级线。{self._what_moved()}"


def _quoted(text: str) -> str:
    return f'"{_shortened(text)}"'


def _shortened(text: str, longest: int = 120) -> str:
    said = " ".join(text.split()).rstrip(".。")
    return said if len(said) <= longest else said[: longest - 1].rstrip() + "…"
