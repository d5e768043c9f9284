"""What a tier policy may say. Keys that the grammar will have one day are refused by name, never ignored."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, RootModel, model_validator

from tierwise.configuration import Described, known_currency

LineKind = Literal["top_share", "above", "at_least"]
RuleKind = Literal["top_share", "above", "at_least", "all", "manual", "otherwise"]
Attribute = Literal["subject_type", "industry", "region", "company_size", "channel"]
Calendar = Literal["nightly", "monthly", "quarterly", "half_yearly", "anniversary"]
LINE_KINDS: tuple[LineKind, ...] = get_args(LineKind)
RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)

SHARE_SCALE = 10  # share decimal(18, 10), and the bands
BOUND_SCALE = 4  # bound decimal(18, 4), like every measure
COVERAGE_SCALE = 4
BOUND_LIMIT = Decimal(10) ** 14
TIER_NAME_LENGTH = 25  # the longest value of a Zoho pick list
LABEL_LENGTH = 60
LONGEST_WAIT_DAYS = 36_500
MOST_SEATS = 10**12
MOST_THEN_BY = 3

_A_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[T ].*)?")
_PLAIN_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?")
_POLICY_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CODE = re.compile(r"\{\{|\{%|\{#|--|/\*|;")
_MARKUP = re.compile(r"""[<>"'`\\]""")
_MULTIPLES = {
    suffix: Decimal(str(times))
    for suffix, times in {"k": 1000, "m": 10**6, "w": 10**4, "万": 10**4, "亿": 10**8, "%": "0.01", "": 1}.items()
}


# --- numbers --------------------------------------------------------------------------------------------------------


def plain(number: Decimal) -> str:
    """The one way a number is written back, to the last digit: no exponent, no trailing zeros."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def decimals(number: Decimal) -> int:
    """How many digits stand behind the point."""
    return len(plain(number).partition(".")[2])


def _meant(written: str) -> Decimal | None:
    """What a person who wrote '5,000', 5k, 95% or 50万 most likely means."""
    text = re.sub(r"[\s_£$€¥元]", "", unicodedata.normalize("NFKC", written)).lower()
    number = re.fullmatch(r"([+-]?[0-9]+(?:[.,'’][0-9]+)*|[+-]?\.[0-9]+)(k|m|w|万|亿|%|)", text)
    if number is None:
        return None
    digits = number[1]
    if re.fullmatch(r"[+-]?[0-9]{1,3}([,'’][0-9]{3})+(\.[0-9]+)?", digits):
        digits = re.sub("[,'’]", "", digits)
    elif re.fullmatch(r"[+-]?[0-9]+,[0-9]+", digits):
        digits = digits.replace(",", ".")
    elif not re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+", digits):
        return None
    return Decimal(digits) * _MULTIPLES[number[2]]


def _exactly_as_written(value: Any) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent <= 0:
            return value
        raise ValueError(f"{str(value).lower()} is not a plain number; write {plain(value)}")
    if value is None:
        raise ValueError("the number is missing; write digits, such as 5000 or 0.05")
    meant = _meant(value) if isinstance(value, str) else None
    mend = "write digits, such as 5000 or 0.05" if meant is None else f"write {plain(meant)}"
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value):
        mend += " without quotes"
    raise ValueError(f"{value!r} is not a plain number; {mend}")


def _share(value: Any) -> Decimal:
    share = _exactly_as_written(value)
    if share < 0:
        raise ValueError(f"a share of {plain(share)} is below 0; write the part of the customers, such as 0.05")
    if share == 0:
        raise ValueError("a share of 0 takes nobody; remove the tier, or write a share above 0, such as 0.01")
    if share >= 1:
        mend = f"{plain(share)} % is written {plain(share / 100)}"
        if share == 1:
            mend += ", and everybody with a positive value is `above: 0`"
        raise ValueError(f"a top_share of {plain(share)} is not below 1; {mend}")
    if decimals(share) > SHARE_SCALE:
        raise ValueError(f"a share of {plain(share)} has more than {SHARE_SCALE} decimals; write fewer")
    return share


def _bound(value: Any) -> Decimal:
    bound = _exactly_as_written(value)
    if abs(bound) >= BOUND_LIMIT:
        raise ValueError(f"the bound {plain(bound)} is larger than any measure; write one below {BOUND_LIMIT:,}")
    if decimals(bound) > BOUND_SCALE:
        raise ValueError(f"the bound {plain(bound)} has more than {BOUND_SCALE} decimals, as no measure has")
    return bound


def _days(value: Any) -> int:
    days = _exactly_as_written(value)
    if days != days.to_integral_value() or not 0 <= days <= LONGEST_WAIT_DAYS:
        raise ValueError(f"{plain(days)} is no number of days; write a whole number from 0 to {LONGEST_WAIT_DAYS}")
    return int(days)


def _at_least_one(what: str, why: str, most: int) -> Any:
    def whole(value: Any) -> int:
        number = _exactly_as_written(value)
        if number != number.to_integral_value() or number > most:
            raise ValueError(f"a {what} of {plain(number)} is no whole number from 1 to {most}; write one")
        if number < 1:
            raise ValueError(f"a {what} of {plain(number)} {why}")
        return int(number)

    return whole


def _band(value: Any) -> Decimal:
    band = _exactly_as_written(value)
    if band < 0:
        raise ValueError(f"a band of {plain(band)} is below 0; write 0 for none, or a part of the line, such as 0.15")
    if band >= 1:
        raise ValueError(f"a band of {plain(band)} is not below 1; {plain(band)} % is written {plain(band / 100)}")
    if decimals(band) > SHARE_SCALE:
        raise ValueError(f"a band of {plain(band)} has more than {SHARE_SCALE} decimals; write fewer")
    return band


def _coverage(value: Any) -> Decimal:
    coverage = _exactly_as_written(value)
    if not 0 <= coverage <= 1:
        mend = f"; {plain(coverage)} % is written {plain(coverage / 100)}" if 1 < coverage <= 100 else ""
        raise ValueError(f"a coverage of {plain(coverage)} is not from 0 to 1{mend}")
    if decimals(coverage) > COVERAGE_SCALE:
        raise ValueError(f"a coverage of {plain(coverage)} has more than {COVERAGE_SCALE} decimals; write fewer")
    return coverage


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    text = plain(Decimal(value)) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and re.fullmatch("[0-9]{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    parts = _A_DAY.fullmatch(text.strip()) if isinstance(text, str) else None
    if parts is None:
        raise ValueError(f"{value!r} is no day; write one like 2026-01-31")
    try:
        meant = date(*map(int, parts.groups()))
    except ValueError:
        raise ValueError(f"{value} is no day of the calendar; write one like 2026-01-31") from None
    if value != meant.isoformat():
        raise ValueError(f"{value!r} is not written as a day; write {meant}")
    return meant


# None is what a rule left out is; a rule that is written and left empty meets the validator, and is refused.
Share = Annotated[Decimal | None, BeforeValidator(_share)]
Bound = Annotated[Decimal | None, BeforeValidator(_bound)]
Days = Annotated[int, BeforeValidator(_days)]
Band = Annotated[Decimal, BeforeValidator(_band)]
Day = Annotated[date | None, BeforeValidator(_day)]
SeatCap = Annotated[
    int | None,
    BeforeValidator(_at_least_one("seat_cap", "seats nobody; write 1 or more, or remove the tier", MOST_SEATS)),
]
StepsDown = Annotated[
    int | None,
    BeforeValidator(
        _at_least_one("maximum_steps_down", "lets nobody fall; write 1 or more, or leave it out for any number", 1000)
    ),
]


# --- words ----------------------------------------------------------------------------------------------------------


def _text(value: Any, what: str, longest: int) -> str:
    """A name that survives a pick list, a spreadsheet, a template and a query: NFC, of one line, no code."""
    if not isinstance(value, str):
        raise ValueError(f"{what} {value!r} is not a text; put it in quotes, such as '{value}'")
    text = unicodedata.normalize("NFC", value)
    if not text.strip():
        raise ValueError(f"{what} is empty; write what people call it")
    if text != text.strip():
        raise ValueError(f"{what} {text!r} begins or ends with a space; write {text.strip()!r}")
    if text[0] in "=+-@":
        raise ValueError(f"{what} {text!r} begins like a spreadsheet formula; write {text.lstrip('=+-@ ')!r}")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") and letter != "\u200d" for letter in text):
        raise ValueError(f"{what} {text!r} holds an invisible character; type it again by hand")
    if _CODE.search(text):
        raise ValueError(f"{what} {text!r} looks like code; names are text only, nothing here is evaluated")
    if len(text) > longest:
        raise ValueError(f"{what} {text[:longest]!r}… has {len(text)} characters; use at most {longest}")
    return text


def _tier_name(value: Any) -> str:
    name = _text(value, "the tier name", TIER_NAME_LENGTH)
    if _MARKUP.search(name):
        raise ValueError(f"the tier name {name!r} holds a quote or a bracket; use letters, digits and spaces")
    return name


def _policy_name(value: Any) -> str:
    if not isinstance(value, str) or not _POLICY_NAME.fullmatch(value):
        raise ValueError(
            f"the policy name {value!r} is what people query by: use small letters, digits and _, such as value_pyramid,"
            " and put the name people read into labels",
        )
    return value


TierName = Annotated[str, BeforeValidator(_tier_name)]
PolicyName = Annotated[str, BeforeValidator(_policy_name)]
LabelText = Annotated[str, BeforeValidator(lambda value: _text(value, "the label", LABEL_LENGTH))]


def _name_of_a_measure(value: Any) -> str:
    if isinstance(value, dict):
        raise ValueError("a weighted score is not supported yet; name one measure, such as net_revenue_12m")
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no name of a measure; write one, such as net_revenue_12m")
    return value


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


MeasureName = Annotated[str, BeforeValidator(_name_of_a_measure)]


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
    minimum_coverage: Annotated[Decimal, BeforeValidator(_coverage)] = Decimal("0.5")


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

    measure: Annotated[str | None, BeforeValidator(_name_of_a_measure)] = None

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
    owner: Annotated[str | None, BeforeValidator(lambda value: _text(value, "the owner", LABEL_LENGTH))] = None
    valid_from: Day = None
    currency: Annotated[str, AfterValidator(known_currency)] | None = None
    measure: MeasureName
    then_by: Annotated[list[MeasureName], BeforeValidator(_list_of_measures)] = Field(default=[])
    applies_to: AppliesTo = AppliesTo()
    rank_within: Attribute | None = None
    eligible: Eligible = Eligible()
    tiers: list[Tier] = Field(min_length=1)
    stability: Stability = Stability()
    review_calendar: Annotated[Calendar, BeforeValidator(_calendar)] = "nightly"
    unit: Annotated[Literal["customer"], BeforeValidator(_customers_only)] = "customer"

    score: _not_yet("name one measure, such as net_revenue_12m") = None  # type: ignore[valid-type]
    scored_by: _not_yet("name one measure, such as net_revenue_12m") = None  # type: ignore[valid-type]
    when_missing: _not_yet("leave it out: who has no value is not graded") = None  # type: ignore[valid-type]
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
