"""What people write in `config/`: read strictly, answered with file, line and how to mend it.

The YAML is read node by node instead of through a loader: so every value keeps its line and its digits (money never
passes through a float), and what other YAML readers take for granted (the last of two equal keys, `012`, tags that
build objects) can be refused.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, ValidationError, field_validator

from tierwise.errors import ConfigurationRefused
from tierwise.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ruamel.yaml.nodes import Node

M = TypeVar("M", bound=BaseModel)

_FILE_BYTES = 1 << 20
_NODES = 200_000
_DEPTH = 40
_SECRET_KEY = re.compile(r"(?i)(^|_)(password|passwd|pwd|secret|token|api_?key|private_?key|credentials?)$")
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|^eyJ[\w-]{10,}\.[\w-]{10,}\.|^AKIA[0-9A-Z]{16}$|^(sk|ghp|xox[bp])[-_][\w-]{16,}$"
    r"|^[a-z][a-z0-9+]*://[^/\s:@]+:[^/\s@$]+@"
)
_PLAIN_TAGS = {"null", "bool", "int", "float", "timestamp", "str"}
_ELSEWHERE = re.compile(r"^\$\{env:[A-Z][A-Z0-9_]*\}$")


# --- words that models are made of ----------------------------------------------------------------------------------


class Described(BaseModel):
    """The base of everything described in YAML: no unknown keys, no guessing at types, never changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def _exact_number(value: object) -> object:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _written(value: object) -> object:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _both_languages(value: object) -> object:
    return {"en": value, "zh": value} if isinstance(value, str) else value


Number = Annotated[Decimal, BeforeValidator(_exact_number)]
"""A plain number, exactly as written."""

Code = Annotated[str, BeforeValidator(_written)]
"""A code as it stands in the data: `11` and `"11"` are the same code."""


class Label(Described):
    """A name for people, in both languages. One plain text serves both."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


Text = Annotated[Label, BeforeValidator(_both_languages)]


# --- the company ----------------------------------------------------------------------------------------------------


class Clock(Described):
    """Where the company's days end. `last_day` fixes the last day there is: for a history that no longer grows."""

    last_day: date | None = None


class Limits(Described):
    """What is still plausible, and what is too much."""

    amount_max: Number = Decimal(100_000_000)
    min_date: date = date(1990, 1, 1)
    future_tolerance_minutes: int = Field(default=60, ge=0, le=24 * 60)
    max_bad_share: Number = Field(default=Decimal("0.05"), gt=0, le=1)
    volume_drop: Number = Field(default=Decimal("0.6"), gt=0, le=1)
    volume_rise: Number = Field(default=Decimal(3), gt=0)
    freshness_days: int | None = Field(default=None, ge=0)
    rate_days: int = Field(default=10, ge=1, le=366)
    field_length: int = Field(default=100_000, ge=1)
    archive_bytes: int = Field(default=20 * 2**30, ge=1)
    max_columns: int = Field(default=500, ge=1)

    @field_validator("amount_max")
    @classmethod
    def _holds(cls, value: Decimal) -> Decimal:
        if not 0 < value < Decimal(10) ** 14:
            raise ValueError("write a number above 0 and below 100000000000000 (what an amount column can hold)")
        return value


class Retention(Described):
    """How long what nobody needs any more stays. What the next night needs stays whatever is written here."""

    release_days: int = Field(default=3, ge=1)
    releases_a_day: int = Field(default=3, ge=1)
    landed_days: int | None = Field(default=None, ge=0)
    airflow_days: int = Field(default=90, ge=7)


class ValueModel(Described):
    """What predicted value takes: how much a later year is worth less, and how much must be known to predict at all."""

    discount_rate: Number = Field(default=Decimal("0.10"), ge=0, lt=10)
    minimum_buyers: int = Field(default=500, ge=1)
    minimum_days: int = Field(default=180, ge=1)
    maximum_silence_days: int = Field(default=30, ge=0)


class Company(Described):
    """The company whose customers these are: `config/company.yml`."""

    name: Text
    currency: str
    time_zone: str
    languages: list[Literal["en", "zh"]] = Field(default=["en", "zh"], min_length=1)
    clock: Clock = Clock()
    limits: Limits = Limits()
    retention: Retention = Retention()
    value_model: ValueModel = ValueModel()

    @field_validator("currency")
    @classmethod
    def _iso_4217(cls, value: str) -> str:
        return known_currency(value)

    @field_validator("time_zone")
    @classmethod
    def _iana(cls, value: str) -> str:
        return known_time_zone(value)


def company() -> Company:
    """The company of this installation. Raises ConfigurationRefused."""
    return load(settings().config / "company.yml", Company)


# --- vocabularies of the world ----------------------------------------------------------------------------------------

CURRENCY_ALIASES = {"RMB": "CNY", "CNH": "CNY"}
_NO_CURRENCY = {"XXX", "XTS"}  # ISO 4217: "no currency", "reserved for testing"
_ZONES_PEOPLE_WRITE = {
    **dict.fromkeys(
        ("beijing", "gmt+8", "utc+8", "utc+08:00", "+08:00", "cst", "china", "prc", "asia/beijing"), "Asia/Shanghai"
    ),
    **dict.fromkeys(("london", "bst", "gb", "uk"), "Europe/London"),
    **dict.fromkeys(("cet", "cest", "berlin", "gmt+1", "utc+1"), "Europe/Berlin"),
    **dict.fromkeys(("est", "edt", "et", "new york"), "America/New_York"),
    **dict.fromkeys(("pst", "pdt", "pt", "los angeles"), "America/Los_Angeles"),
    **dict.fromkeys(("jst", "tokyo"), "Asia/Tokyo"),
    **dict.fromkeys(("hkt", "hong kong"), "Asia/Hong_Kong"),
    **dict.fromkeys(("sgt", "singapore"), "Asia/Singapore"),
    **dict.fromkeys(("gmt", "z"), "UTC"),
}


@functools.cache
def currencies() -> frozenset[str]:
    """Every currency code of ISO 4217, the withdrawn ones included: old orders were paid in them."""
    from babel.numbers import list_currencies

    return frozenset(list_currencies()) - _NO_CURRENCY


def known_currency(value: str) -> str:
    """The ISO 4217 code, or ValueError with the nearest one."""
    known = currencies()
    if value in known:
        return value
    upper = value.strip().upper()
    meant = CURRENCY_ALIASES.get(upper) or (upper if upper in known else nearest(upper, known))
    raise ValueError(f"{value!r} is no ISO 4217 currency code" + (f"; did you mean {meant}?" if meant else ""))


@functools.cache
def time_zones() -> frozenset[str]:
    """Every name of the IANA time zone database of this machine."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def known_time_zone(value: str) -> str:
    """The IANA name, or ValueError with the one that is probably meant."""
    known = time_zones()
    if value == "UTC" or (value in known and "/" in value and not value.startswith("Etc/")):
        return value
    meant = _ZONES_PEOPLE_WRITE.get(value.strip().lower()) or nearest(value, (z for z in known if "/" in z))
    raise ValueError(
        f"{value!r} is no IANA time zone"
        + (f"; did you mean {meant}?" if meant else "; write one like Asia/Shanghai or Europe/London")
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, look-alike letters and other widths included."""
    from rapidfuzz import fuzz, process

    folded = unicodedata.normalize("NFKC", word).casefold()
    found = process.extractOne(folded, sorted(known), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=60)
    return found[0] if found else None


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass
class Lines:
    """Where each value of a file stands."""

    file: str
    _of: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def note(self, place: tuple[str | int, ...], line: int) -> None:
        """Remember where a value stands; the place of its key counts, where it has one."""
        self._of.setdefault(place, line)

    def line(self, *place: str | int) -> int:
        """The line of a value, or of the nearest thing around it."""
        while place and place not in self._of:
            place = place[:-1]
        return self._of.get(place, 1)

    def at(self, *place: str | int) -> str:
        """`config/sources.yml:12`."""
        return f"{self.file}:{self.line(*place)}"


def load(path: Path, model: type[M]) -> M:
    """Read one YAML file as `model`. Raises ConfigurationRefused that names every problem with its file and line."""
    return load_with_lines(path, model)[0]


def load_with_lines(path: Path, model: type[M]) -> tuple[M, Lines]:
    """Like `load`; the lines serve checks that look across several values."""
    file = _shown(path)
    text = _text(path, file)
    value, lines, problems = _parsed(text, file)
    try:
        if not problems:
            return model.model_validate(value), lines
        model.model_validate(value)
    except ValidationError as refused:
        problems += [_problem(error, value, model, lines) for error in refused.errors(include_url=False)]
    raise refusal(problems)


def refusal(problems: list[tuple[int, str]], hint: str = "mend the file and run again") -> ConfigurationRefused:
    """One answer for all problems of a file, in the order of its lines."""
    ordered = sorted(dict.fromkeys(problems))
    return ConfigurationRefused("\n".join(sentence for _, sentence in ordered), hint=hint)


def _shown(path: Path) -> str:
    home = settings().home
    return str(path.relative_to(home)) if path.is_relative_to(home) else str(path)


def _text(path: Path, file: str) -> str:
    if path.is_dir():
        raise ConfigurationRefused(f"{file} is a folder, not a file.", hint="put a YAML file in its place")
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= _FILE_BYTES else b""
    except FileNotFoundError:
        raise ConfigurationRefused(
            f"{file} is missing.", hint=f"create it (looked in {path.parent}); the repository's own is an example"
        ) from None
    except OSError as why:
        raise ConfigurationRefused(f"{file} cannot be read: {why.strerror}.", hint="check its permissions") from None
    if size > _FILE_BYTES:
        raise ConfigurationRefused(
            f"{file} has {size:,} bytes; a configuration file may have {_FILE_BYTES:,}.",
            hint="data belongs in a delivery or in config/reference, not in the configuration",
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:200]:
        raise ConfigurationRefused(f"{file} is written in UTF-16.", hint="save it as UTF-8")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as why:
        line = content.count(b"\n", 0, why.start) + 1
        raise ConfigurationRefused(
            f"{file}:{line}: byte {why.start} is no UTF-8.", hint="save the file as UTF-8"
        ) from None


def _parsed(text: str, file: str) -> tuple[object, Lines, list[tuple[int, str]]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        root = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as why:
        raise ConfigurationRefused(_broken(why, text, file), hint="mend that line and run again") from None
    except (YAMLError, RecursionError) as why:
        raise ConfigurationRefused(f"{file}: this is no YAML: {str(why).splitlines()[0]}") from None
    if root is None:
        raise ConfigurationRefused(f"{file} is empty.", hint="the repository's own file is an example")
    reading = _Reading(Lines(file))
    value = reading.value(root, ())
    return value, reading.lines, reading.problems


def _broken(why: Any, text: str, file: str) -> str:
    mark = why.problem_mark or why.context_mark
    if mark is None:
        return f"{file}: this is no YAML: {why.problem or why.context}."
    shown = text.split("\n")[mark.line] if mark.line < text.count("\n") + 1 else ""
    because = (
        "a tab; YAML is indented with spaces" if shown[: mark.column + 1].strip(" ").startswith("\t") else why.problem
    )
    return f"{file}:{mark.line + 1}:{mark.column + 1}: this is no YAML: {because}.\n    {shown.strip()[:100]}"


class _Reading:
    """One walk over the nodes of a file: plain values, where they stand, and what is wrong with how they are written."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.problems: list[tuple[int, str]] = []
        self.seen = 0

    def wrong(self, line: int, sentence: str) -> None:
        self.problems.append((line, f"{self.lines.file}:{line}: {sentence}"))

    def value(self, node: Node, place: tuple[str | int, ...]) -> object:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        self.seen += 1
        line = node.start_mark.line + 1
        if self.seen > _NODES or len(place) > _DEPTH:
            limit = f"{_NODES:,} values" if self.seen > _NODES else f"{_DEPTH} levels"
            raise ConfigurationRefused(
                f"{self.lines.file}:{line}: more than {limit} once its aliases are written out.",
                hint="write less into one file, and no aliases of aliases",
            )
        self.lines.note(place, line)
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*place, n)) for n, item in enumerate(node.value)]
        return self._scalar(node, line)

    def _mapping(self, node: Any, place: tuple[str | int, ...]) -> dict[object, object]:
        result: dict[object, object] = {}
        first: dict[object, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if str(key_node.tag).endswith(":merge"):
                self.wrong(line, "`<<` is not supported: write the keys out, so that each has its own line.")
                continue
            if not isinstance(key, str):
                self.wrong(line, "a key must be plain text.")
                continue
            if key in first:
                self.wrong(line, f"the key `{key}` stands here a second time (first in line {first[key]}); keep one.")
                continue
            first[key] = line
            self.lines.note((*place, key), line)
            result[key] = self.value(value_node, (*place, key))
            self._no_secret(key, result[key], line)
        return result

    def _no_secret(self, key: str, value: object, line: int) -> None:
        if not isinstance(value, str) or _ELSEWHERE.match(value):
            return
        if (_SECRET_KEY.search(key) and value) or _SECRET_VALUE.search(value):
            self.wrong(
                line,
                f"`{key}` looks like a secret. Secrets do not belong in a file that is committed: "
                "write ${env:NAME} and set the variable NAME.",
            )

    def _scalar(self, node: Node, line: int) -> object:
        text: str = node.value
        tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
        if tag not in _PLAIN_TAGS:
            self.wrong(line, f"the tag !{tag} is not supported: write a plain value.")
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag in {"int", "float"}:
            return self._number(text, line)
        return _as_day(text) if tag == "timestamp" else text

    def _number(self, text: str, line: int) -> object:
        plain = text.replace("_", "")
        if re.fullmatch(r"[+-]?0[0-9]+", plain):
            self.wrong(
                line,
                f"`{text}` begins with a zero, which YAML readers understand differently: "
                f'write "{text}" for the text or {int(plain)} for the number.',
            )
            return int(plain)
        try:
            number = int(plain, 0) if re.fullmatch(r"[+-]?(0[xo])?[0-9a-fA-F]+", plain) else Decimal(plain)
        except (ValueError, InvalidOperation):
            number = Decimal("NaN")
        if isinstance(number, Decimal) and (not number.is_finite() or abs(number.adjusted()) > 100):
            self.wrong(line, f"`{text}` is no number to compute with: write a plain one.")
            return Decimal(0)
        return number


def _as_day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


# --- saying what is wrong -------------------------------------------------------------------------------------------

_WANTED = {
    "string_type": "a text was expected",
    "bool_type": "true or false was expected",
    "int_type": "a whole number was expected",
    "date_type": "a date like 2026-01-31 was expected",
    "list_type": "a list was expected",
    "dict_type": "keys with values were expected",
    "model_type": "keys with values were expected",
    "model_attributes_type": "keys with values were expected",
    "is_instance_of": "a plain number was expected",
    "decimal_type": "a plain number was expected",
    "decimal_parsing": "a plain number was expected",
}


def _problem(error: Any, value: object, model: type[BaseModel], lines: Lines) -> tuple[int, str]:
    place, node = _standing(error["loc"], value)
    line = lines.line(*place)
    where = f"{lines.file}:{line}: "
    name = f"`{'.'.join(str(p) for p in place)}`" if place else "the file"
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        known = sorted(_keys_at(model, place[:-1]))
        meant = nearest(key, known)
        sentence = f"the key `{key}` is unknown" + (
            f"; did you mean `{meant}`?" if meant else f"; known here: {', '.join(known)}." if known else "."
        )
    elif kind == "missing":
        key = str(error["loc"][-1])
        within = f" in {name}" if place else ""
        sentence = f"the key `{key}` is missing{within}."
    elif kind in _WANTED:
        sentence = f"{name} is {_said(given)}; {_WANTED[kind]}{_quote_it(kind, given)}."
    elif kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        meant = nearest(str(given), allowed)
        sentence = f"{name} is {_said(given)}; it may be {', '.join(allowed)}" + (
            f" (did you mean `{meant}`?)." if meant else "."
        )
    elif kind in ("value_error", "assertion_error"):
        said = str(error["ctx"]["error"])
        sentence = f"{name}: {said}" if place else said
    else:
        message = error["msg"].removeprefix("Input ").removeprefix("Value ")
        sentence = f"{name} is {_said(given)}: it {message}." if not isinstance(node, dict) else f"{name}: {message}."
    return line, where + sentence


def _standing(loc: tuple[str | int, ...], value: object) -> tuple[tuple[str | int, ...], object]:
    """The part of a pydantic location that stands in the file: names of alternatives are left away."""
    place: list[str | int] = []
    for part in loc:
        inside = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(inside, dict) and part in inside:
            value = inside[part]
            place.append(part)
    return tuple(place), value


def _said(given: object) -> str:
    if given is None:
        return "empty"
    if isinstance(given, dict):
        return "a group of keys"
    if isinstance(given, list):
        return "a list"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str):
        return f"the text {given[:60]!r}"
    return str(given)[:60]


def _quote_it(kind: str, given: object) -> str:
    if kind == "string_type" and isinstance(given, bool | int | Decimal | date):
        return f' (put it in quotes: "{_said(given)}")'
    return ""


def _keys_at(model: Any, place: tuple[str | int, ...]) -> set[str]:
    """The keys that the model knows at a place of the file."""
    candidates: list[Any] = [model]
    for part in (*place, None):
        candidates = [inner for c in candidates for inner in _unwrapped(c)]
        if part is None:
            break
        step: list[Any] = []
        for c in candidates:
            if isinstance(c, type) and issubclass(c, BaseModel):
                step += [f.annotation for n, f in c.model_fields.items() if (f.alias or n) == part]
            elif get_origin(c) is dict:
                step.append(get_args(c)[1])
            elif get_origin(c) in (list, tuple):
                step.append(get_args(c)[0])
        candidates = step
    return {
        f.alias or n
        for c in candidates
        if isinstance(c, type) and issubclass(c, BaseModel)
        for n, f in c.model_fields.items()
    }


def _unwrapped(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [inner for a in get_args(annotation) for inner in _unwrapped(a)]
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        return _unwrapped(annotation.model_fields["root"].annotation)
    return [annotation]
