"""What a tier policy may say. Keys that the grammar will have one day are refused by name, never ignored."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, RootModel, model_validator

from tierwise.configuration import Described, known_currency

RuleKind = Literal["top_share", "above", "at_least", "otherwise"]
RULE_KINDS: tuple[RuleKind, ...] = ("top_share", "above", "at_least", "otherwise")

SHARE_SCALE = 10  # share decimal(18, 10)
BOUND_SCALE = 4  # bound decimal(18, 4), like every measure
BOUND_LIMIT = Decimal(10) ** 14
TIER_NAME_LENGTH = 25  # the longest value of a Zoho pick list
LABEL_LENGTH = 60
LONGEST_WAIT_DAYS = 36_500

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


# None is what a rule left out is; a rule that is written and left empty meets the validator, and is refused.
Share = Annotated[Decimal | None, BeforeValidator(_share)]
Bound = Annotated[Decimal | None, BeforeValidator(_bound)]
Days = Annotated[int, BeforeValidator(_days)]


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
    return value


MeasureName = Annotated[str, BeforeValidator(_name_of_a_measure)]


# --- the shape ------------------------------------------------------------------------------------------------------


def _not_yet(instead: str) -> Any:
    def refuse(_value: Any) -> None:
        raise ValueError(f"not supported yet; {instead}")

    return Annotated[None, BeforeValidator(refuse)]


def _only_true(value: Any) -> Any:
    if value is not True:
        raise ValueError("otherwise is `true` in the last tier and left out in every other; write `otherwise: true`")
    return value


class Names(Described):
    """What people read, in both languages."""

    en: LabelText
    zh: LabelText


def _one_name_for_both(value: Any) -> Any:
    return {"en": value, "zh": value} if isinstance(value, str) else value


Labels = Annotated[Names, BeforeValidator(_one_name_for_both)]


class Eligible(Described):
    """Who may be graded: customers of `after_days` days; the rest is shown provisionally or not at all."""

    after_days: Days = 0
    otherwise: Literal["provisional", "not_graded"] = "not_graded"
    minimum_coverage: _not_yet("leave it out: a policy of one measure grades whoever has a value") = None  # type: ignore[valid-type]


class Tier(Described):
    """One tier and its line. Of the four rules it has exactly one."""

    tier: TierName
    labels: Labels
    top_share: Share = None
    above: Bound = None
    at_least: Bound = None
    otherwise: Annotated[bool, BeforeValidator(_only_true)] = False
    seat_cap: _not_yet("leave it out: a share or a bound is the tier's line") = None  # type: ignore[valid-type]
    manual: _not_yet("leave the tier out until people can be put there by hand") = None  # type: ignore[valid-type]
    all: _not_yet("give the tier one rule: top_share, above, at_least or otherwise") = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _exactly_one_rule(self) -> Self:
        said = [f"{kind}: {_written(getattr(self, kind))}" for kind in RULE_KINDS if self._says(kind)]
        if not said:
            raise ValueError(f"the tier {self.tier} has no rule; give it one of {', '.join(RULE_KINDS)}")
        if len(said) > 1:
            raise ValueError(f"the tier {self.tier} has {len(said)} rules, {' and '.join(said)}; keep one")
        return self

    def _says(self, kind: RuleKind) -> bool:
        said = getattr(self, kind)
        return said is not None and said is not False  # a bound of 0 is a bound

    @property
    def rule_kind(self) -> RuleKind:
        return next(kind for kind in RULE_KINDS if self._says(kind))

    @property
    def share(self) -> Decimal | None:
        return self.top_share

    @property
    def bound(self) -> Decimal | None:
        return self.above if self.above is not None else self.at_least


def _written(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else "true"


class PolicyEntry(Described):
    """One way to grade customers: by which measure, who may be graded, and the tiers from the top."""

    status: Literal["active", "shadow", "retired"]
    primary: bool = False
    labels: Labels
    currency: Annotated[str, AfterValidator(known_currency)] | None = None
    measure: MeasureName
    then_by: Annotated[list[MeasureName], BeforeValidator(_list_of_measures)] = Field(default=[])
    eligible: Eligible = Eligible()
    tiers: list[Tier] = Field(min_length=1)

    stability: _not_yet("leave it out: every line is taken as it is, each night") = None  # type: ignore[valid-type]
    applies_to: _not_yet("leave it out: the policy is for every customer with a sale") = None  # type: ignore[valid-type]
    rank_within: _not_yet("leave it out: customers are ranked among all") = None  # type: ignore[valid-type]
    unit: _not_yet("leave it out: customers are graded, not groups") = None  # type: ignore[valid-type]
    review_calendar: _not_yet("leave it out: tiers are reviewed every night") = None  # type: ignore[valid-type]
    owner: _not_yet("write it as a comment") = None  # type: ignore[valid-type]
    valid_from: _not_yet("leave it out: a policy counts from the next run on") = None  # type: ignore[valid-type]
    score: _not_yet("name one measure, such as net_revenue_12m") = None  # type: ignore[valid-type]
    scored_by: _not_yet("name one measure, such as net_revenue_12m") = None  # type: ignore[valid-type]
    when_missing: _not_yet("leave it out: who has no value is not graded") = None  # type: ignore[valid-type]
    minimum_coverage: _not_yet("leave it out: a policy of one measure grades whoever has a value") = None  # type: ignore[valid-type]
    existing_tiers: _not_yet("leave it out: everybody is placed by the first night") = None  # type: ignore[valid-type]


class PolicyFile(RootModel[dict[PolicyName, PolicyEntry]]):
    """config/tier_policies.yml: policies by name."""
