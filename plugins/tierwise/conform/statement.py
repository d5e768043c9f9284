"""The statement that types a delivery: for each canonical column how it is read, and what may be wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tierwise import configuration
from tierwise.errors import DeliveryRefused
from tierwise.sources import files, fragments
from tierwise.sources.description import EPOCHS, EXCEL_SERIAL, POSITION_IN_ORDER
from tierwise.sources.streams import DUCKDB_TYPES, STREAMS, Column, Stream

if TYPE_CHECKING:
    from tierwise.configuration import Company
    from tierwise.control import Delivery
    from tierwise.sources.description import ColumnEntry, Source, StreamEntry
    from tierwise.sources.files import Raw


_NO_CUSTOMER = ("", "null", "none", "nan", "n/a", "-", "0")
_NO_ID = ("", "null", "none", "nan", "n/a", "-")
_YES = ("true", "t", "yes", "y", "1", "on", "是", "真", "有")
_NO = ("false", "f", "no", "n", "0", "off", "否", "假", "无")
_INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_BINARY = ("DOUBLE", "FLOAT")
_CURRENCY_MARKS = {
    "¥": ("CNY", "JPY"),
    "元": ("CNY",),
    "€": ("EUR",),
    "£": ("GBP",),
    "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN"),
}


def in_plain_letters(text: str) -> str:
    """One form for what looks the same: compatibility letters and digits (NFKC), nothing invisible, no outer blanks."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return visible.strip(" \t\r\n\u3000\u00a0")


@dataclass
class _Reading:
    """One canonical column in the making: how it is written, what it is, and what may be wrong with it.

    `written` and `typed` are SQL; `typed` and the conditions of `problems` speak of `<name>__written`.
    """

    written: str
    typed: str
    problems: list[tuple[str, str]]
    inputs: str = "null"
    tidied: str | None = None
    clock: str | None = None


def literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _listed(values: Iterable[str]) -> str:
    return "(" + ", ".join(literal(v) for v in values) + ")"


def plain_number(text: str, decimal: str, thousands: str | None) -> str:
    """A number as this source writes it, rewritten with a point and nothing else; what is written otherwise stays wrong."""
    if thousands is not None:
        grouped = rf"^[+-]?\d{{1,3}}({re.escape(thousands)}\d{{3}})+({re.escape(decimal)}\d*)?$"
        text = f"case when regexp_matches({text}, {literal(grouped)}) then replace({text}, {literal(thousands)}, '') else {text} end"
    if decimal == ",":
        text = f"case when contains({text}, '.') then 'x' else replace({text}, ',', '.') end"
    return text


class Statement:
    """Builds the one statement that types a delivery: raw → kept → written → typed → judged."""

    def __init__(
        self,
        delivery: Delivery,
        source: Source,
        entry: StreamEntry,
        company: Company,
        raw: Raw,
        fragments: dict[str, tuple[str, str]],
    ) -> None:
        self.delivery, self.source, self.entry, self.company, self.raw = delivery, source, entry, company, raw
        self.fragments = fragments
        self.stream: Stream = STREAMS[delivery.stream]
        self.kinds = {n.casefold(): t for n, t in raw.columns.items()}

    def sql(self) -> str:
        """The whole statement; it leaves the temporary table `judged`."""
        made = {c.name: self._column(c) for c in self.stream.columns}
        known_on = self._claimed()
        written = [f"{r.written} as {n}__written" for n, r in made.items() if r.problems or r.written != "null"]
        written += [f"{r.inputs} as {n}__inputs" for n, r in made.items() if r.inputs != "null"]
        written += [f"{r.tidied} as {n}__tidied" for n, r in made.items() if r.tidied]
        typed = [f"{r.typed} as {files.identifier(n)}" for n, r in made.items()]
        tidied = [f"coalesce({n}__tidied, false)" for n, r in made.items() if r.tidied]
        clocks = [f"coalesce({r.clock}, false)" for r in made.values() if r.clock]
        judged = {**made, "known_on": known_on}
        problems = [self._problem(n, r, condition, code) for n, r in judged.items() for condition, code in r.problems]
        conditions = [condition for r in judged.values() for condition, _ in r.problems]
        columns = _lines(
            [
                f"cast({files.identifier(c.name)} as {DUCKDB_TYPES[c.kind]}) as {files.identifier(c.name)}"
                for c in self.stream.columns
            ]
        )
        return f"""
create temp table judged as
with raw as (
    select * from {self.raw.relation}
),
kept as (
    select
        *,
        {self._left_out()} as left_out_because
    from raw
),
placed as (
    select
        *{self._position()}
    from kept
),
written as (
    select
        row_number,
        left_out_because,
        {known_on.written} as known_on__written,
        {_lines(written)}
    from placed
),
typed as (
    select
        *,
        {known_on.typed} as claimed_on,
        {_lines(typed)}
    from written
)
select
    row_number,
    cast(claimed_on as date) as claimed_on,
    cast(left_out_because as varchar) as left_out_because,
    {columns},
    {" or ".join(tidied) or "false"} as ids_were_tidied,
    {" or ".join(clocks) or "false"} as clock_was_changed,
    case
        when left_out_because is null and (
            {" or ".join(f"coalesce({c}, false)" for c in dict.fromkeys(conditions))}
        )
        then list_filter([
            {_lines(problems)}
        ], lambda p: p is not null)
        else []
    end as problems
from typed
"""

    # -- rows

    def _left_out(self) -> str:
        whens = [
            f"when coalesce(try({self.fragments[out.sql][0]}), false) then {literal(out.because)}"
            for out in self.entry.leave_out
        ]
        return f"case {' '.join(whens)} end" if whens else "null"

    def _position(self) -> str:
        line = self.entry.columns.get("line_id")
        if line is None or line.from_ != POSITION_IN_ORDER:
            return ""
        order = self._expression("order_id", self.entry.columns["order_id"])[0]
        return (
            f",\n        row_number() over (partition by left_out_because is null, {order} order by row_number)"
            f" as {POSITION_IN_ORDER}"
        )

    def _claimed(self) -> _Reading:
        """The day that the row or its file claims to have become known on."""
        known_on = self.entry.known_on
        day = known_on.day_of(self.delivery.name) if known_on is not None and known_on.column is None else None
        if known_on is None or known_on.column is None:
            return _Reading("null", f"date '{day}'" if day else "cast(null as date)", [])
        name = known_on.column.strip()
        kind = self.kinds[name.casefold()]
        written = f"tidy({files.identifier(name)})" if kind == "VARCHAR" else files.identifier(name)
        local, _ = self._times("known_on__written", kind, self.entry.known_on_formats())
        return _Reading(
            f"nullif({written}, '')" if kind == "VARCHAR" else written,
            f"cast({local} as date)",
            [("(known_on__written is not null and claimed_on is null)", "date_invalid")],
        )

    @staticmethod
    def _problem(name: str, reading: _Reading, condition: str, code: str) -> str:
        inputs = (
            f"coalesce({name}__written::varchar, {name}__inputs)"
            if reading.inputs != "null"
            else f"{name}__written::varchar"
        )
        return (
            f"case when {condition} then {{'reason_code': '{code}', 'column_name': '{name}',"
            f" 'raw_value': {inputs}}} end"
        )

    # -- columns

    def _expression(self, name: str, entry: ColumnEntry) -> tuple[str, str]:
        """A column's raw SQL and its type."""
        if entry.sql is not None:
            running, kind = self.fragments[entry.sql]
            return f"try({running})", kind
        if entry.from_ == POSITION_IN_ORDER and name == "line_id":
            return POSITION_IN_ORDER, "BIGINT"
        if entry.from_ is not None:
            return files.identifier(entry.from_.strip()), self.kinds[entry.from_.strip().casefold()]
        value = str(entry.value).lower() if isinstance(entry.value, bool) else str(entry.value)
        return literal(value), "VARCHAR"

    def _column(self, column: Column) -> _Reading:
        entry = self.entry.columns.get(column.name)
        if entry is None:
            return _Reading("null", f"cast(null as {DUCKDB_TYPES[column.kind]})", [])
        raw, kind = self._expression(column.name, entry)
        reading = {
            "id_text": self._id,
            "text": self._text,
            "code": self._code,
            "currency": self._currency,
            "money": self._number,
            "number": self._number,
            "rate": self._number,
            "integer": self._number,
            "timestamp": self._timestamp,
            "date": self._timestamp,
            "boolean": self._boolean,
        }[column.kind](column, entry, raw, kind)
        reading.written = self._coded(entry, self._blanked(entry, reading.written, kind))
        self._require(column, entry, reading)
        return reading

    @staticmethod
    def _blanked(entry: ColumnEntry, written: str, kind: str) -> str:
        if not entry.blank:
            return written
        text = f"regexp_replace({written}::varchar, '\\.0+$', '')" if kind in _BINARY else f"trim({written}::varchar)"
        return f"case when {text} in {_listed(entry.blank)} then null else {written} end"

    @staticmethod
    def _coded(entry: ColumnEntry, written: str) -> str:
        if not entry.codes:
            return written
        whens = " ".join(
            f"when {literal(in_plain_letters(k))} then {literal(str(v).lower() if isinstance(v, bool) else v)}"
            for k, v in entry.codes.items()
        )
        return f"case tidy({written}::varchar) {whens} else {written}::varchar end"

    def _require(self, column: Column, entry: ColumnEntry, reading: _Reading) -> None:
        """Whether the column may be empty; an expression that gives nothing from something was written wrongly."""
        name = column.name
        nothing = f"{name}__written is null"
        if entry.sql is not None:
            named = [files.identifier(n) for n in sorted(fragments.fragment_columns(entry.sql))]
            shown = ", ".join(f"{literal(n.strip(chr(34)) + '=')} || nullif(trim({n}::varchar), '')" for n in named)
            if named:
                reading.inputs = f"case when {reading.written} is null then nullif(concat_ws(', ', {shown}), '') end"
        if not column.required:
            return
        if column.kind == "id_text":
            reading.problems.append((f"{name} is null", column.missing))
            return
        if column.kind == "currency":
            return  # an empty one is no known one
        wrong = {
            "money": "amount_format",
            "number": "number_format",
            "rate": "number_format",
            "timestamp": "date_invalid",
            "date": "date_invalid",
            "boolean": "boolean_format",
            "code": self._outside(),
        }.get(column.kind, "required_missing")
        if reading.inputs == "null":
            reading.problems.append((nothing, column.missing))
        else:
            reading.problems.append((f"({nothing} and {name}__inputs is null)", column.missing))
            reading.problems.append((f"({nothing} and {name}__inputs is not null)", wrong))

    def _id(self, column: Column, entry: ColumnEntry, raw: str, kind: str) -> _Reading:
        name, text = column.name, f"{raw}::varchar"
        plain = f"tidy({text})" if kind not in _INTEGERS else text
        w = f"{name}__written"
        value = rf"regexp_replace({w}, '^(-?\d+)\.0*$', '\1')" if entry.drop_decimal_point else w
        empty = _NO_CUSTOMER if name == "customer_id" else _NO_ID
        problems = [
            (rf"regexp_matches({w}, '^\d\.\d+[eE]\+?\d+$|^\d+[eE]\+\d+$')", "id_scientific"),
            (f"contains({w}, chr(0))", "control_char"),
            (f"length({w}) > {self.company.limits.field_length}", "field_too_long"),
        ]
        if not entry.drop_decimal_point:
            problems.append((rf"regexp_matches({w}, '^-?\d+\.0*$')", "id_float"))
        typed = f"case when lower({value}) not in {_listed(empty)} then {value} end"
        return _Reading(plain, typed, problems, tidied=f"{plain} <> {text}" if plain != text else None)

    def _text(self, column: Column, _entry: ColumnEntry, raw: str, _kind: str) -> _Reading:
        w = f"{column.name}__written"
        return _Reading(
            f"{raw}::varchar",
            w,
            [
                (f"contains({w}, chr(0))", "control_char"),
                (f"length({w}) > {self.company.limits.field_length}", "field_too_long"),
            ],
        )

    def _outside(self) -> str:
        return "status_unknown" if self.stream.name == "orders" else "type_unknown"

    def _code(self, column: Column, _entry: ColumnEntry, raw: str, _kind: str) -> _Reading:
        w = f"{column.name}__written"
        typed = f"case when lower({w}) in {_listed(column.codes)} then lower({w}) end"
        problem = (f"({w} is not null and lower({w}) not in {_listed(column.codes)})", self._outside())
        return _Reading(f"nullif(tidy({raw}::varchar), '')", typed, [problem])

    def _currency(self, column: Column, _entry: ColumnEntry, raw: str, _kind: str) -> _Reading:
        w = f"upper({column.name}__written)"
        aliases = " ".join(f"when '{a}' then '{c}'" for a, c in configuration.CURRENCY_ALIASES.items())
        code = f"case {w} {aliases} else {w} end"
        known = _listed(sorted(configuration.currencies()))
        problems = [(f"{column.name} is null", "currency_unknown")]
        return _Reading(f"tidy({raw}::varchar)", f"case when {code} in {known} then {code} end", problems)

    def _boolean(self, column: Column, _entry: ColumnEntry, raw: str, _kind: str) -> _Reading:
        w = f"{column.name}__written"
        typed = f"case when lower({w}) in {_listed(_YES)} then true when lower({w}) in {_listed(_NO)} then false end"
        return _Reading(
            f"nullif(tidy({raw}::varchar), '')",
            typed,
            [(f"({w} is not null and lower({w}) not in {_listed(_YES + _NO)})", "boolean_format")],
        )

    # -- numbers and money

    def _number(self, column: Column, entry: ColumnEntry, raw: str, kind: str) -> _Reading:
        money = column.kind == "money"
        target = DUCKDB_TYPES[column.kind]
        format_code = "amount_format" if money else "number_format"
        size_code = "amount_out_of_range" if money else "range"
        endless_code = {"duration_seconds": "duration_range", "score": "score_range"}.get(
            column.name, "amount_not_finite" if money else "number_format"
        )
        w = f"{column.name}__written"
        if entry.blank or entry.codes:
            kind, raw = (
                "VARCHAR",
                rf"regexp_replace({raw}::varchar, '\.0$', '')" if kind in _BINARY else f"{raw}::varchar",
            )
        if kind in _BINARY:
            return self._binary(column, entry, raw, (endless_code, size_code))
        if kind in _INTEGERS or kind.startswith("DECIMAL"):
            problems = [(f"({w} is not null and try_cast({w} as {target}) is null)", size_code)]
            if money and kind.startswith("DECIMAL"):
                problems.append((f"{w} <> try_cast({w} as {target})", "amount_scale"))
            return _Reading(raw, f"try_cast({w} as {target})", problems)
        return self._written_number(column, entry, raw, (format_code, endless_code, size_code))

    def _binary(self, column: Column, entry: ColumnEntry, raw: str, codes: tuple[str, str]) -> _Reading:
        target = DUCKDB_TYPES[column.kind]
        w = f"{column.name}__written"
        endless, size = codes
        if column.kind == "money" and not entry.from_binary:
            raise DeliveryRefused(
                f"{entry.where}: {column.name} arrives as binary floating point, which holds no exact money.",
                code="lossy_money",
                hint="deliver a decimal, or declare `from_binary: true` to take what is a decimal within 0.000001",
            )
        typed = f"try_cast({w} as {target})"
        problems = [
            (f"not isfinite({w})", endless),
            (f"(isfinite({w}) and {typed} is null)", size),
        ]
        if column.kind == "money":
            problems.append((f"abs({w} - cast({typed} as double)) > 1e-6", "lossy_money"))
        return _Reading(f"cast({raw} as double)", typed, problems)

    def _written_number(self, column: Column, entry: ColumnEntry, raw: str, codes: tuple[str, str, str]) -> _Reading:
        """A number written as text: only the notation that the source declares, checked digit by digit."""
        format_code, endless_code, size_code = codes
        money = column.kind == "money"
        target = DUCKDB_TYPES[column.kind]
        n = f"{column.name}__written"
        written = f"nullif(tidy({raw}::varchar), '')"
        problems = []
        if money:
            mark = (
                rf"regexp_extract({n}, '^[+-]?\s*([A-Za-z]{{3}}|[¥$€£])\s*[+-]?[\d.]|\d\s*([A-Za-z]{{3}}|[元€£])$', 1)"
            )
            mark = rf"coalesce(nullif({mark}, ''), regexp_extract({n}, '\d\s*([A-Za-z]{{3}}|[元€£])$', 1))"
            bare = rf"case when regexp_matches({n}, '[^\d.,+-]') then regexp_replace(regexp_replace({n}, '^([+-]?)\s*(?:[A-Za-z]{{3}}|[¥$€£])\s*([+-]?[\d.])', '\1\2'), '(\d)\s*(?:[A-Za-z]{{3}}|[元€£])$', '\1') else {n} end"
            problems.append((f"(regexp_matches({n}, '[A-Za-z¥$€£元]') and not {self._mark_fits(mark)})", format_code))
        else:
            bare = n
        if entry.percent:
            bare = rf"regexp_replace({bare}, '\s*%$', '')"
        plain = plain_number(bare, entry.decimal or self.entry.csv.decimal, entry.thousands or self.entry.csv.thousands)
        valid = rf"regexp_full_match({plain}, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{{1,3}})?')"
        endless = rf"(regexp_full_match(lower({n}), '[+-]?(nan|inf|infinity)') or ({valid} and abs(try_cast({plain} as double)) > 1e30))"
        typed = f"case when {valid} then try_cast({plain} as {target}) end"
        finer = rf"({valid} and regexp_matches({plain}, '\.\d{{4}}\d*[1-9]'))"
        problems = [
            (endless, endless_code),
            (f"({n} is not null and not {valid} and not {endless})", format_code),
            (f"({valid} and {column.name} is null and not {endless})", size_code),
            *((f"({c} and {valid})", code) for c, code in problems),
        ]
        if money:
            problems.append((finer, "amount_scale"))
        if column.kind == "integer":
            problems.append((rf"({valid} and regexp_matches({plain}, '\.\d*[1-9]'))", format_code))
        return _Reading(written, typed, problems)

    def _mark_fits(self, mark: str) -> str:
        """Whether the currency written beside an amount is the row's own."""
        own = "currency" if "currency" in self.stream.column_names else f"'{self.company.currency}'"
        whens = " ".join(f"when '{m}' then {own} in {_listed(c)}" for m, c in _CURRENCY_MARKS.items())
        aliases = " ".join(f"when '{a}' then {own} = '{c}'" for a, c in configuration.CURRENCY_ALIASES.items())
        return f"coalesce(case upper({mark}) when '' then true {whens} {aliases} else upper({mark}) = {own} end, false)"

    # -- times

    def _timestamp(self, column: Column, entry: ColumnEntry, raw: str, kind: str) -> _Reading:
        w = f"{column.name}__written"
        name = files.identifier(column.name)
        written = raw
        textual = kind == "VARCHAR" or not (kind.startswith("TIMESTAMP") or kind == "DATE")
        if textual:
            written = f"nullif(tidy({raw}::varchar), '')"
        local, utc = self._times(w, kind, entry.format)
        typed = f"cast({local} as date)" if column.kind == "date" else utc
        epoch = next((f for f in entry.format if f in EPOCHS), None)
        problems = []
        if epoch and textual:
            positive = f"(try_cast({w} as double) > 0 and {name} is null)"
            problems.append((positive, "epoch_unit"))
            problems.append(
                (f"({w} is not null and {name} is null and not coalesce({positive}, false))", "date_invalid")
            )
        else:
            problems.append((f"({w} is not null and {name} is null)", "date_invalid"))
        problems.append((f"year({name}) < 1900", "date_invalid"))
        reading = _Reading(written, typed, problems)
        if column.kind == "timestamp" and "TIME ZONE" not in kind and not epoch:
            zone = self.source.time_zone
            back = f"timezone('{zone}', timezone('UTC', {name}))"
            early = f"timezone('{zone}', timezone('UTC', {name} - interval 1 hour))"
            reading.clock = (
                f"case when hour({local}) < 4 and month({local}) in (3, 4, 9, 10, 11)"
                f" then {back} <> {local} or {early} = {local} end"
            )
        return reading

    def _times(self, w: str, kind: str, formats: list[str]) -> tuple[str, str]:
        """A time as the source's clock shows it, and in UTC. A bare day is its midnight at the source."""
        zone = self.source.time_zone
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"timezone('{zone}', {w})", f"timezone('UTC', {w})"
        if kind.startswith("TIMESTAMP") or kind == "DATE":
            local = f"cast({w} as timestamp)"
            return local, f"timezone('UTC', timezone('{zone}', {local}))"
        instants, locals_ = self._written_times(w, formats)
        local = f"coalesce({', '.join([*locals_, *(f'''timezone('{zone}', {i})''' for i in instants)])})"
        utc = (
            "coalesce("
            + ", ".join(
                [
                    *(f"timezone('UTC', timezone('{zone}', {one}))" for one in locals_),
                    *(f"timezone('UTC', {i})" for i in instants),
                ]
            )
            + ")"
        )
        return local, utc

    @staticmethod
    def _written_times(w: str, formats: list[str]) -> tuple[list[str], list[str]]:
        """Expressions that give instants, and those that give times of the source's own clock."""
        if not formats:
            iso = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?"
            offset = r"(Z|z|[+-]\d{2}(:?\d{2})?)"
            local = f"case when regexp_full_match({w}, '{iso}') then try_cast(replace({w}, '/', '-') as timestamp) end"
            whole = rf"regexp_replace({w}, '([T ]\d{{1,2}}:\d{{2}})\s*{offset}$', '\1:00\2')"
            instant = rf"case when regexp_full_match({w}, '{iso}\s*{offset}') then try_cast(replace({whole}, '/', '-') as timestamptz) end"
            return [instant], [local]
        instants, locals_ = [], []
        for one in formats:
            if one in EPOCHS:
                micros = f"(try_cast({w} as decimal(28, 6)) * {EPOCHS[one]})"
                plausible = f"{micros} between epoch_us(timestamp '1980-01-01') and epoch_us(timestamp '2100-01-01')"
                instants.append(f"case when {plausible} then make_timestamptz(cast({micros} as bigint)) end")
            elif one == EXCEL_SERIAL:
                serial = f"try_cast({w} as decimal(18, 8))"
                locals_.append(
                    f"case when {serial} between 61 and 100000 then timestamp '1899-12-30'"
                    f" + to_seconds(cast(round({serial} * 86400) as bigint)) end"
                )
            elif "%z" in one or "%Z" in one:
                instants.append(f"try_strptime({w}, {literal(one)})")
            else:
                locals_.append(f"try_strptime({w}, {literal(one)})")
        return instants, locals_


def _lines(parts: list[str]) -> str:
    return ",\n        ".join(parts)
