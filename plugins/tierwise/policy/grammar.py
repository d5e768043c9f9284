"""What a tier policy may say. Keys that the grammar will have one day are refused by name, never ignored."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, RootModel, model_validator

from tierwise.configuration import Described, known_currency
from tierwise.policy.scores import Score
from tierwise.policy.written import (
    LABEL_LENGTH,
    Band,
    Bound,
    Coverage,
    Day,
    Days,
    LabelText,
    MeasureName,
    PolicyName,
    SeatCap,
    Share,
    StepsDown,
    TierName,
    plain,
    text_of,
)

LineKind = Literal["top_share", "above", "at_least"]
RuleKind = Literal["top_share", "above", "at_least", "all", "manual", "otherwise"]
Attribute = Literal["subject_type", "industry", "region", "company_size", "channel"]
Calendar = Literal["nightly", "monthly", "quarterly", "half_yearly", "anniversary"]
LINE_KINDS: tuple[LineKind, ...] = get_args(LineKind)
RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)

MOST_THEN_BY = 3


def _list_of_measures(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"then_by is a list; write [{value}]")
    if isinstance(value, list) and len(value) > MOST_THEN_BY:
        kept = ", ".join(map(str, value[:MOST_THEN_BY]))
        raise ValueError(f"then_by names {len(value)} measures, and may name {MOST_THEN_BY}; write [{kept}]")
    return value


def _value_of_an_attribute(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text; put it in quotes, such as '{value}'")
    text = unicodedata.normalize("NFC", value)
    if not text.strip() or text != text.strip():
        mend = f"write {text.strip()!r}" if text.strip() else "write a value that customers have"
        raise ValueError(f"{value!r} is empty, or begins or ends with a space; {mend}")
    return text


def _any_of(value: Any) -> Any:
    """One value or several, in one order, so that who writes them in another says the same."""
    values = value if isinstance(value, list) else [value]
    texts = [_value_of_an_attribute(one) for one in values]
    if not texts:
        raise ValueError("the list is empty, so nobody is in the policy; name a value, or leave the attribute out")
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is named twice; keep one")
    return sorted(texts)


def _calendar(value: Any) -> Any:
    return value.replace("-", "_") if isinstance(value, str) else value


# --- the shape ------------------------------------------------------------------------------------------------------


def _refused(sentence: str) -> Any:
    def refuse(_value: Any) -> None:
        raise ValueError(sentence)

    return Annotated[None, BeforeValidator(refuse)]


def _not_yet(instead: str) -> Any:
    return _refused(f"not supported yet; {instead}")


def _only_true(key: str, where: str) -> Any:
    def true(value: Any) -> Any:
        if value is not True:
            raise ValueError(f"{key} is `true` in {where} and left out in every other; write `{key}: true`")
        return value

    return true


def _customers_only(value: Any) -> Any:
    if value == "group":
        raise ValueError("`unit: group` is not supported yet; leave it out: customers are graded, not groups")
    return value


class Names(Described):
    """What people read, in both languages."""

    en: LabelText
    zh: LabelText


def _one_name_for_both(value: Any) -> Any:
    return {"en": value, "zh": value} if isinstance(value, str) else value


Labels = Annotated[Names, BeforeValidator(_one_name_for_both)]


class Eligible(Described):
    """Who may be graded: customers of `after_days` days whose measure is known; the rest is shown provisionally or not.

    A policy of one measure has coverage 1 where the measure is known and 0 where it is not.
    """

    after_days: Days = 0
    otherwise: Literal["provisional", "not_graded"] = "not_graded"
    minimum_coverage: Coverage = Decimal("0.5")


class Stability(Described):
    """What keeps a tier from flipping. What is not named is off."""

    promotion_band: Band = Decimal(0)
    demotion_band: Band = Decimal(0)
    minimum_stay_days: Days = 0
    maximum_steps_down: StepsDown = None
    grace_days: Days = 0
    confirm_days: Annotated[Days, AfterValidator(lambda days: max(days, 1))] = 1


class AppliesTo(Described):
    """Whom the policy is for: a customer must match every attribute named, by any of its values."""

    subject_type: Annotated[list[Literal["company", "person"]] | None, BeforeValidator(_any_of)] = None
    industry: Annotated[list[str] | None, BeforeValidator(_any_of)] = None
    region: Annotated[list[str] | None, BeforeValidator(_any_of)] = None
    company_size: Annotated[list[str] | None, BeforeValidator(_any_of)] = None
    channel: Annotated[list[str] | None, BeforeValidator(_any_of)] = None

    def items(self) -> list[tuple[Attribute, list[str]]]:
        """The attributes that are named, each with its values."""
        named: dict[Attribute, list[str] | None] = {name: getattr(self, name) for name in get_args(Attribute)}
        return [(attribute, values) for attribute, values in named.items() if values is not None]


class Condition(NamedTuple):
    """One measure held against one line: a share of the customers from the top, or a bound."""

    measure: str
    kind: LineKind
    share: Decimal | None
    bound: Decimal | None


class _Lined(Described):
    top_share: Share = None
    above: Bound = None
    at_least: Bound = None

    below: _refused(  # type: ignore[valid-type]
        "a line has no upper end: the first tier from the top whose line is reached counts, so remove `below`"
    ) = None
    at_most: _refused(  # type: ignore[valid-type]
        "a line has no upper end: the first tier from the top whose line is reached counts, so remove `at_most`"
    ) = None
    between: _refused(  # type: ignore[valid-type]
        "a line has no upper end: write the lower bound as `at_least` (it is inside) or `above` (it is not)"
    ) = None
    percentile: _refused(  # type: ignore[valid-type]
        "write top_share, the part of the customers counted from the top: the best 5 % are `top_share: 0.05`"
    ) = None

    def _lines(self) -> list[str]:
        return [f"{kind}: {plain(getattr(self, kind))}" for kind in LINE_KINDS if getattr(self, kind) is not None]

    @property
    def share(self) -> Decimal | None:
        return self.top_share

    @property
    def bound(self) -> Decimal | None:
        return self.above if self.above is not None else self.at_least

    def condition(self, measure: str) -> Condition:
        """The line, held against that measure."""
        kind = next(kind for kind in LINE_KINDS if getattr(self, kind) is not None)
        return Condition(measure, kind, self.share, self.bound)


class OneOfAll(_Lined):
    """One of several conditions that must all hold. The measure is the policy's own, unless it names another."""

    measure: MeasureName | None = None

    @model_validator(mode="after")
    def _exactly_one_line(self) -> Self:
        said = self._lines()
        if not said:
            raise ValueError(f"the condition has no line; give it one of {', '.join(LINE_KINDS)}")
        if len(said) > 1:
            raise ValueError(f"the condition has {len(said)} lines, {' and '.join(said)}; make each a condition")
        return self


def _several(value: Any) -> Any:
    if not isinstance(value, list):
        raise ValueError("all is a list of conditions; write [{at_least: 5000}, {measure: orders_12m, at_least: 4}]")
    if not value:
        raise ValueError("all is empty, so everybody would reach the tier; write a condition, or `otherwise: true`")
    return value


class Tier(_Lined):
    """One tier and its rule, of which it has exactly one. A seat_cap is a wall beside the rule, and no rule."""

    tier: TierName
    labels: Labels
    all: Annotated[list[OneOfAll] | None, BeforeValidator(_several)] = None
    manual: Annotated[bool, BeforeValidator(_only_true("manual", "a tier that people are put into by hand"))] = False
    otherwise: Annotated[bool, BeforeValidator(_only_true("otherwise", "the last tier"))] = False
    seat_cap: SeatCap = None

    rank: _refused("the tiers stand in their order, the top first; remove `rank`") = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _exactly_one_rule(self) -> Self:
        said = self._lines() + [
            f"{kind}: {_shortly(getattr(self, kind))}" for kind in RULE_KINDS[3:] if self._says(kind)
        ]
        if not said and self.seat_cap is not None:
            raise ValueError(
                f"the tier {self.tier} has a seat_cap and no line, so nobody could miss it; write top_share or at_least"
                " beside it",
            )
        if not said:
            raise ValueError(f"the tier {self.tier} has no rule; give it one of {', '.join(RULE_KINDS)}")
        if len(said) > 1:
            both = self._lines() if len(self._lines()) == len(said) else []
            mend = f", or `all: [{', '.join(f'{{{line}}}' for line in both)}]` if all must hold" if both else ""
            raise ValueError(f"the tier {self.tier} has {len(said)} rules, {' and '.join(said)}; keep one{mend}")
        return self

    def _says(self, kind: RuleKind) -> bool:
        said = getattr(self, kind)
        return said is not None and said is not False  # a bound of 0 is a bound

    @property
    def rule_kind(self) -> RuleKind:
        return next(kind for kind in RULE_KINDS if self._says(kind))

    def conditions(self, measure: str) -> list[Condition]:
        """What must hold to reach the tier, in a policy of this measure; empty where a line is not what decides."""
        if self.all is not None:
            return [one.condition(one.measure or measure) for one in self.all]
        return [self.condition(measure)] if self._lines() else []


def _shortly(said: object) -> str:
    return f"{len(said)} conditions" if isinstance(said, list) else "true"


class PolicyEntry(Described):
    """One way to grade customers: by which measure, who may be graded, and the tiers from the top."""

    status: Literal["active", "shadow", "retired"]
    primary: bool = False
    labels: Labels
    owner: Annotated[str | None, BeforeValidator(lambda value: text_of(value, "the owner", LABEL_LENGTH))] = None
    valid_from: Day = None
    currency: Annotated[str, AfterValidator(known_currency)] | None = None
    measure: MeasureName
    score: Score | None = None
    then_by: Annotated[list[MeasureName], BeforeValidator(_list_of_measures)] = Field(default=[])
    applies_to: AppliesTo = AppliesTo()
    rank_within: Attribute | None = None
    eligible: Eligible = Eligible()
    tiers: list[Tier] = Field(min_length=1)
    stability: Stability = Stability()
    review_calendar: Annotated[Calendar, BeforeValidator(_calendar)] = "nightly"
    unit: Annotated[Literal["customer"], BeforeValidator(_customers_only)] = "customer"

    scored_by: _refused("it stands beside each part of the score; write it there") = None  # type: ignore[valid-type]
    when_missing: _refused("it stands within `score`; write it there") = None  # type: ignore[valid-type]
    minimum_coverage: _refused("it stands with who may be graded; write `eligible: {minimum_coverage: 0.5}`") = None  # type: ignore[valid-type]
    existing_tiers: _refused(  # type: ignore[valid-type]
        "the tiers that people hold already are delivered, as the stream existing_tiers of config/sources.yml; remove it"
    ) = None
    order: _refused("the tiers stand in their order, the top first; remove `order`") = None  # type: ignore[valid-type]
    window: _refused(  # type: ignore[valid-type]
        "the window stands in the measure's name: net_revenue_12m, net_revenue_90d, net_revenue_ytd; remove `window`"
    ) = None

    @property
    def measures(self) -> list[str]:
        """The policy's measure and those that its conditions name, each once."""
        named = [condition.measure for tier in self.tiers for condition in tier.conditions(self.measure)]
        return list(dict.fromkeys([self.measure, *named]))


class PolicyFile(RootModel[dict[PolicyName, PolicyEntry]]):
    """config/tier_policies.yml: policies by name."""
