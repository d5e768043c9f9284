"""What `config/sources.yml` may say: where a source's rows are, and how its columns become the canonical ones.

The grammar is rename, type, value, code map and one SQL expression; what it cannot say is one plain `select` beside
the entry. It does not grow: a stream that neither can express gets its own module in this folder.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath
from typing import Annotated, Literal, Protocol

from pydantic import BeforeValidator, Field, PrivateAttr, RootModel, field_validator, model_validator

from tierwise import configuration
from tierwise.configuration import Code, Described, Lines
from tierwise.errors import ConfigurationRefused
from tierwise.settings import settings
from tierwise.sources.fragments import fragment_columns, fragment_problems, read_select, select_problems
from tierwise.sources.streams import STREAMS, Column, Kind, Stream

POSITION_IN_ORDER = "position_in_order"
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
EXCEL_SERIAL = "excel_serial"
_FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_KINDS_TO_COME = ("database", "api", "zoho_crm", "fxiaoke", "kingdee")
BY_HAND = "by_hand"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

Format = Literal["csv", "parquet", "jsonl"]


class Csv(Described):
    """How a CSV file is written. What is not said is RFC 4180 in UTF-8."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    escape: str = Field(default='"', max_length=1)
    encoding: str = "utf-8"
    skip_rows: int = Field(default=0, ge=0, le=1000)
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'"] | None = None

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name
        except LookupError:
            meant = configuration.nearest(value, _ENCODINGS)
            raise ValueError(
                f"no encoding is called {value!r}" + (f"; did you mean {meant}?" if meant else "")
            ) from None

    @model_validator(mode="after")
    def _two_marks(self) -> Csv:
        if self.thousands == self.decimal:
            raise ValueError(f"`thousands` and `decimal` are both {self.decimal!r}")
        return self


_ENCODINGS = (
    "utf-8",
    "utf-16",
    "utf-32",
    "gbk",
    "gb2312",
    "gb18030",
    "big5",
    "latin-1",
    "cp1252",
    "cp936",
    "shift_jis",
)


class KnownOn(Described):
    """When a row became known: from the file's name, or from a column of a history loaded afterwards."""

    from_name: str | None = None
    column: str | None = None
    format: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> KnownOn:
        if (self.from_name is None) == (self.column is None):
            raise ValueError("write either `from_name` or `column`")
        if self.from_name is not None and not all(f"%{c}" in self.from_name for c in "Ymd"):
            raise ValueError(f"`from_name: {self.from_name}` needs %Y, %m and %d to give a day")
        if self.format is not None:
            _hold_format(self.format)
        return self

    def day_of(self, name: str) -> date | None:
        """The day that a file's name gives, or None where it does not look like the pattern."""
        pattern = "".join(
            {"%Y": r"(?P<Y>\d{4})", "%m": r"(?P<m>\d\d)", "%d": r"(?P<d>\d\d)"}.get(part, re.escape(part))
            for part in re.split(r"(%[Ymd])", self.from_name or "")
        )
        found = re.search(pattern, name)
        try:
            return date(int(found["Y"]), int(found["m"]), int(found["d"])) if found else None
        except ValueError:
            return None


class Repeats(Described):
    """What exact repeats of lines without ids mean."""

    drop: bool
    because: str = Field(min_length=3)


class LeaveOut(Described):
    """Rows that the source asks to leave out, and why."""

    sql: str
    because: str = Field(min_length=3)


def _hold_format(written: str) -> None:
    if written in EPOCHS or written == EXCEL_SERIAL:
        return
    if "%" not in written:
        named = ", ".join((*EPOCHS, EXCEL_SERIAL))
        raise ValueError(f"the format {written!r} is neither a pattern like %d/%m/%Y nor one of {named}")
    unknown = re.search(r"%(?!-?[aAbBdHIjmMpSfgnyYzZ%])-?.?", written)
    if unknown is not None:
        raise ValueError(f"the format {written!r} has the unknown part {unknown[0]!r}")
    if not re.search(r"%-?[yY]", written):
        raise ValueError(f"the format {written!r} has no year; a day without one is no day")


def _one_or_several(value: object) -> object:
    return [value] if isinstance(value, str) else value


class ColumnEntry(Described):
    """How one canonical column is made."""

    from_: str | None = Field(default=None, alias="from")
    value: Code | bool | date | None = None
    sql: str | None = None
    type: Kind | None = None
    codes: dict[str, Code | bool] = Field(default_factory=dict)
    blank: list[Code] = Field(default_factory=list)
    format: Annotated[list[str], BeforeValidator(_one_or_several)] = Field(default_factory=list)
    decimal: Literal[".", ","] | None = None
    thousands: Literal[",", ".", " ", "'"] | None = None
    percent: bool = False
    drop_decimal_point: bool = False
    from_binary: bool = False
    _where: str = PrivateAttr(default="config/sources.yml")

    @model_validator(mode="after")
    def _one_way(self) -> ColumnEntry:
        ways = [w for w, v in (("from", self.from_), ("value", self.value), ("sql", self.sql)) if v is not None]
        if len(ways) != 1:
            raise ValueError("write exactly one of `from`, `value` and `sql`" + (f", not {len(ways)}" if ways else ""))
        for written in self.format:
            _hold_format(written)
        return self

    def stands_at(self, where: str) -> None:
        """Remember the line of this column."""
        self._where = where

    @property
    def where(self) -> str:
        """`config/sources.yml:12`, for answers."""
        return self._where


def _rename(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


class StreamEntry(Described):
    """Where one stream of a source is, and how it becomes the canonical stream."""

    from_: str = Field(alias="from", min_length=1)
    format: Format | None = None
    csv: Csv = Csv()
    known_on: KnownOn | None = None
    replaces: Literal["row", "order"] = "row"
    repeats: Repeats | None = None
    sql_file: str | None = None
    columns: dict[str, Annotated[ColumnEntry, BeforeValidator(_rename)]] = Field(min_length=1)
    leave_out: list[LeaveOut] = Field(default_factory=list)
    _where: str = PrivateAttr(default="config/sources.yml")

    @field_validator("from_", "sql_file")
    @classmethod
    def _at_home(cls, value: str | None) -> str | None:
        if value is not None and (
            PurePosixPath(value).is_absolute() or ".." in PurePosixPath(value).parts or "\\" in value
        ):
            raise ValueError(f"{value!r} leaves the home folder; write a path below it, without `..`")
        return value

    @property
    def where(self) -> str:
        """`config/sources.yml:12`, for answers."""
        return self._where

    def stands_at(self, lines: Lines, place: tuple[str | int, ...]) -> None:
        """Remember the lines of this entry and its columns."""
        self._where = lines.at(*place)
        for name, column in self.columns.items():
            column.stands_at(lines.at(*place, "columns", name))

    @property
    def file_format(self) -> Format:
        """What the files are: as said, else by the ending of `from` (`.gz` aside)."""
        return self.format or _FORMATS[_ending(self.from_)]  # type: ignore[return-value]  # the table's values are formats

    def known_on_formats(self) -> list[str]:
        """How the column of `known_on` is written: as said there, else as said where the same column is mapped."""
        if self.known_on is None or self.known_on.column is None:
            return []
        if self.known_on.format is not None:
            return [self.known_on.format]
        return next((c.format for c in self.columns.values() if c.from_ == self.known_on.column and c.format), [])

    def mapping(self, time_zone: str) -> str:
        """A version of all that decides what a delivered row becomes: where files lie and when they became known apart."""
        said = self.model_dump(mode="json", exclude={"from_", "format", "known_on", "sql_file"})
        for one in (*said["leave_out"], *filter(None, [said["repeats"]])):
            del one["because"]
        select = read_select(self.sql_file) if self.sql_file else None
        text = json.dumps([said, self.file_format, select, time_zone], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def raw_columns(self) -> set[str]:
        """Every raw column that the entry names."""
        named = {c.from_ for c in self.columns.values() if c.from_ is not None} - {POSITION_IN_ORDER}
        fragments = [c.sql for c in self.columns.values() if c.sql is not None] + [out.sql for out in self.leave_out]
        for sql in fragments:
            named |= fragment_columns(sql)
        if self.known_on is not None and self.known_on.column is not None:
            named.add(self.known_on.column)
        return named


def _ending(name: str) -> str:
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


class Source(Described):
    """Someone who delivers."""

    name: str
    required: bool
    kind: str
    time_zone: str
    streams: dict[str, StreamEntry] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _speakable(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(f"{value!r} is no name for a source: small letters, digits and _, a letter first")
        return value

    @field_validator("kind")
    @classmethod
    def _supported(cls, value: str) -> str:
        if value in _KINDS_TO_COME:
            raise ValueError(f"sources of kind {value} are not supported yet; export files and write `kind: files`")
        if value != "files":
            raise ValueError(f"there is no kind {value!r} of source; write `kind: files`")
        return value

    @field_validator("time_zone")
    @classmethod
    def _iana(cls, value: str) -> str:
        return configuration.known_time_zone(value)


class _Sources(RootModel[list[Source]]):
    """The file: a list of sources."""


def _by_hand() -> Source:
    """What people say by command: a source that every installation has. The control store delivers for it."""
    overrides = STREAMS["tier_overrides"]
    entry = StreamEntry.model_validate(
        {"from": "tierwise override", "format": "jsonl", "columns": {name: name for name in overrides.column_names}}
    )
    # Constructed, not validated: `config/sources.yml` may not ask for a source of this kind.
    return Source.model_construct(
        name=BY_HAND, required=False, kind=BY_HAND, time_zone="UTC", streams={overrides.name: entry}
    )


# --- loading --------------------------------------------------------------------------------------------------------


def load_sources() -> list[Source]:
    """Every source of the installation, checked, and after them what people say by command.

    Raises ConfigurationRefused with file and line.
    """
    held, lines = configuration.load_with_lines(settings().config / "sources.yml", _Sources)
    sources = held.root
    problems: list[tuple[int, str]] = []

    def wrong(sentence: str, *place: str | int) -> None:
        problems.append((lines.line(*place), f"{lines.at(*place)}: {sentence}"))

    if not sources:
        wrong("no source is described.")
    names = [s.name for s in sources]
    for n, source in enumerate(sources):
        if source.name in names[:n]:
            wrong(f"a second source is called `{source.name}`.", n, "name")
        if source.name == BY_HAND:
            wrong(f"`{BY_HAND}` is what we call what people say by command; choose another name.", n, "name")
        for name, entry in source.streams.items():
            place = (n, "streams", name)
            entry.stands_at(lines, place)
            if name in STREAMS:
                _check_stream(STREAMS[name], entry, place, wrong)
            else:
                wrong(f"there is no stream `{name}`{_meant(name, STREAMS)}", *place)
            owner = entry.columns.get("customer_source")
            if owner is not None and owner.value is not None and owner.value not in names:
                sentence = f"there is no source `{owner.value}` whose customers these could be"
                wrong(sentence + _meant(str(owner.value), names), *place, "columns", "customer_source")
    if problems:
        raise configuration.refusal(problems)
    return [*sources, _by_hand()]


def entry_of(source: str, stream: str, sources: Sequence[Source]) -> tuple[Source, StreamEntry]:
    """One of the sources and its entry for a stream. Raises ConfigurationRefused where there is none."""
    for one in sources:
        if one.name == source and stream in one.streams:
            return one, one.streams[stream]
    names = [f"{s.name}/{name}" for s in sources for name in s.streams]
    meant = configuration.nearest(f"{source}/{stream}", names)
    raise ConfigurationRefused(
        f"config/sources.yml describes no {source}/{stream}" + (f"; did you mean {meant}?" if meant else "."),
        hint=f"described are {', '.join(names)}",
    )


class _Wrong(Protocol):
    def __call__(self, sentence: str, *place: str | int) -> None: ...


def _check_stream(stream: Stream, entry: StreamEntry, place: tuple[str | int, ...], wrong: _Wrong) -> None:
    if entry.format is None and _ending(entry.from_) not in _FORMATS:
        wrong(f"`{entry.from_}` does not tell its format; add `format: csv`, `parquet` or `jsonl`.", *place, "from")
    if entry.replaces == "order" and stream.name != "orders":
        wrong("only the stream orders can be replaced by order.", *place, "replaces")
    if entry.repeats is not None and entry.repeats.drop and entry.replaces != "order":
        wrong("`repeats` is for lines without ids: it needs `replaces: order`.", *place, "repeats")
    for column in stream.columns:
        if column.required and column.name not in entry.columns:
            wrong(f"the column `{column.name}` is missing: {stream.name} cannot do without it.", *place, "columns")
    for name, one in entry.columns.items():
        if name in stream.column_names:
            for sentence in _column_problems(stream, stream.column(name), one):
                wrong(sentence, *place, "columns", name)
        else:
            wrong(f"{stream.name} has no column `{name}`{_meant(name, stream.column_names)}", *place, "columns", name)
    _check_sql(entry, place, wrong)


def _check_sql(entry: StreamEntry, place: tuple[str | int, ...], wrong: _Wrong) -> None:
    for sql, where in _fragments(entry):
        for sentence in fragment_problems(sql):
            wrong(sentence, *place, *where)
    if entry.sql_file is not None:
        for sentence in select_problems(entry.sql_file):
            wrong(sentence, *place, "sql_file")


def _fragments(entry: StreamEntry) -> list[tuple[str, tuple[str | int, ...]]]:
    """Every SQL expression of an entry, and where in the entry it stands."""
    made = [(c.sql, ("columns", name, "sql")) for name, c in entry.columns.items() if c.sql is not None]
    return [*made, *((out.sql, ("leave_out", n, "sql")) for n, out in enumerate(entry.leave_out))]


def _meant(word: str, known: Collection[str]) -> str:
    meant = configuration.nearest(word, known)
    return f"; did you mean `{meant}`?" if meant else f"; there are {', '.join(known)}."


def _column_problems(stream: Stream, column: Column, entry: ColumnEntry) -> list[str]:
    problems = []
    if entry.from_ == POSITION_IN_ORDER and (stream.name, column.name) != ("orders", "line_id"):
        problems.append(f"`{POSITION_IN_ORDER}` is for the column line_id of orders.")
    if entry.type is not None and entry.type != column.kind:
        problems.append(f"`{column.name}` is of type {column.kind}, not {entry.type}.")
    fitting = {
        "drop_decimal_point": (entry.drop_decimal_point, ("id_text",)),
        "from_binary": (entry.from_binary, ("money",)),
        "format": (bool(entry.format), ("timestamp", "date")),
        "decimal": (entry.decimal is not None, ("money", "number", "integer")),
        "thousands": (entry.thousands is not None, ("money", "number", "integer")),
        "percent": (entry.percent, ("number",)),
    }
    problems += [
        f"`{option}` does not fit a column of type {column.kind}."
        for option, (said, kinds) in fitting.items()
        if said and column.kind not in kinds
    ]
    constants = [entry.value] if entry.value is not None else list(entry.codes.values())
    problems += [p for value in constants if (p := _constant_problem(column, value)) is not None]
    return problems


def _constant_problem(column: Column, value: str | bool | date) -> str | None:
    wanted = None
    text = str(value)
    if column.kind == "code" and text not in column.codes:
        meant = configuration.nearest(text, column.codes)
        wanted = f"one of {', '.join(column.codes)}" + (f" (did you mean `{meant}`?)" if meant else "")
    elif column.kind == "boolean" and not isinstance(value, bool):
        wanted = "true or false"
    elif column.kind == "currency" and text not in configuration.currencies():
        wanted = "an ISO 4217 currency"
    elif column.kind in ("money", "number", "integer") and not _is_decimal(text):
        wanted = "a plain number"
    elif column.kind in ("timestamp", "date") and not _is_day(text):
        wanted = "a day like 2026-01-31"
    return f"`{text}` does not fit `{column.name}`: write {wanted}." if wanted else None


def _is_decimal(text: str) -> bool:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and number == round(number, 4)


def _is_day(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
