"""How numbers, days and names are written in a policy: exactly, or refused with what to write instead."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

SHARE_SCALE = 10  # share decimal(18, 10), and the bands
BOUND_SCALE = 4  # bound decimal(18, 4), like every measure
COVERAGE_SCALE = 4
BOUND_LIMIT = Decimal(10) ** 14
POINTS_SCALE = 4  # weights and points
TIER_NAME_LENGTH = 25  # the longest value of a Zoho pick list
LABEL_LENGTH = 60
LONGEST_WAIT_DAYS = 36_500
MOST_SEATS = 10**12

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


def _no_finer(what: str, number: Decimal, scale: int) -> Decimal:
    """The number, where its column can hold all its digits."""
    if decimals(number) > scale:
        raise ValueError(f"a {what} of {plain(number)} has more than {scale} decimals; write fewer")
    return number


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
    return _no_finer("share", share, SHARE_SCALE)


def _bound(value: Any) -> Decimal:
    bound = _exactly_as_written(value)
    if abs(bound) >= BOUND_LIMIT:
        raise ValueError(f"the bound {plain(bound)} is larger than any measure; write one below {BOUND_LIMIT:,}")
    if decimals(bound) > BOUND_SCALE:
        raise ValueError(f"the bound {plain(bound)} has more than {BOUND_SCALE} decimals, as no measure has")
    return bound


def _weight(value: Any) -> Decimal:
    weight = _exactly_as_written(value)
    if weight <= 0:
        raise ValueError(f"a weight of {plain(weight)} gives nothing; write one above 0, or remove the part")
    if decimals(weight) > POINTS_SCALE or weight >= BOUND_LIMIT:
        raise ValueError(
            f"a weight of {plain(weight)} has more than {POINTS_SCALE} decimals or is too large; write 0.25"
        )
    return weight


def _points(value: Any) -> Decimal:
    points = _exactly_as_written(value)
    if points < 0:
        raise ValueError(f"{plain(points)} points would take some away; the fewest are 0")
    if decimals(points) > POINTS_SCALE or points >= BOUND_LIMIT:
        raise ValueError(f"{plain(points)} points have more than {POINTS_SCALE} decimals or are too many; write fewer")
    return points


def _score(value: Any) -> Decimal:
    score = _exactly_as_written(value)
    if not 0 <= score <= 100:
        raise ValueError(f"{plain(score)} is no score; scores go from 0 to 100")
    return _no_finer("score", score, POINTS_SCALE)


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
    return _no_finer("band", band, SHARE_SCALE)


def _coverage(value: Any) -> Decimal:
    coverage = _exactly_as_written(value)
    if not 0 <= coverage <= 1:
        mend = f"; {plain(coverage)} % is written {plain(coverage / 100)}" if 1 < coverage <= 100 else ""
        raise ValueError(f"a coverage of {plain(coverage)} is not from 0 to 1{mend}")
    return _no_finer("coverage", coverage, COVERAGE_SCALE)


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
Weight = Annotated[Decimal, BeforeValidator(_weight)]
Points = Annotated[Decimal, BeforeValidator(_points)]
HundredScore = Annotated[Decimal, BeforeValidator(_score)]
Coverage = Annotated[Decimal, BeforeValidator(_coverage)]
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


def text_of(value: Any, what: str, longest: int) -> str:
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
    name = text_of(value, "the tier name", TIER_NAME_LENGTH)
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
LabelText = Annotated[str, BeforeValidator(lambda value: text_of(value, "the label", LABEL_LENGTH))]


def _name_of_a_measure(value: Any) -> str:
    if isinstance(value, dict):
        raise ValueError("a measure is named; write value_score, and what it is made of under `score`")
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no name of a measure; write one, such as net_revenue_12m")
    return value


MeasureName = Annotated[str, BeforeValidator(_name_of_a_measure)]
