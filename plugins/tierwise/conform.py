"""Delivery → canonical rows + what stays outside: one SQL statement per delivery, made from its description.

Conform only types. Whether a value is plausible is asked once, at the door in.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise import configuration, control
from tierwise.errors import DeliveryRefused, OurFailure
from tierwise.settings import settings
from tierwise.sources import description, files
from tierwise.sources.description import EPOCHS, EXCEL_SERIAL, POSITION_IN_ORDER
from tierwise.sources.streams import DUCKDB_TYPES, STREAMS, Column, Stream

if TYPE_CHECKING:
    import duckdb

    from tierwise.configuration import Company
    from tierwise.control import Delivery
    from tierwise.sources.description import ColumnEntry, Source, StreamEntry
    from tierwise.sources.files import Raw

log = logging.getLogger(__name__)

# Refusals that a mended description can lift: such deliveries are read again each night.
_MENDABLE = ("schema", "encoding", "format", "lossy_money", "csv_parse", "too_many_columns")
_AMBIGUOUS_DAY = r"^\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}"
_AMBIGUOUS_SHARE = 0.01
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

# What is plain ASCII already passes without a call into Python.
_TIDY = """
create macro tidy(t) as
    case when regexp_full_match(t, '[!-~]*|[!-~][ -~]*[!-~]') then t else in_plain_letters(t) end
"""


def conform(run_id: str) -> list[str]:
    """Type every landed delivery that nobody decided about yet; returns the ids of those that could be read.

    What was refused for its form is tried again: the mapping may have been mended since.

    Leaves per delivery, in the run's work folder: `conformed/<id>.parquet`, `<id>.rejected.parquet` and `<id>.json`.
    A delivery that cannot be read is refused in the control store and does not stop the others.
    """
    run = control.run(run_id)
    company = configuration.company()
    described = {(s.name, name): (s, entry) for s in description.load_sources() for name, entry in s.streams.items()}
    folder = run.work / "conformed"
    folder.mkdir(parents=True, exist_ok=True)
    readable = []
    for delivery in _undecided():
        if (delivery.source, delivery.stream) not in described:
            log.warning(
                "%s waits: config/sources.yml no longer describes %s/%s.",
                delivery.delivery_id,
                delivery.source,
                delivery.stream,
            )
            continue
        source, entry = described[delivery.source, delivery.stream]
        facts = _conform_one(delivery, source, entry, company, run.work)
        if facts.refused is None:
            readable.append(delivery.delivery_id)
        else:
            control.refuse_delivery(delivery.delivery_id, facts.refused["code"], facts.refused["sentence"])
        for f in facts.findings:
            control.add_finding(delivery.delivery_id, run_id, f.check, "warning", f.sentence, f.count)
        facts.write(folder / f"{delivery.delivery_id}.json")
    return readable


def _undecided() -> list[Delivery]:
    refused = [d for d in control.deliveries(status="refused") if d.refusal_code in _MENDABLE]
    return control.deliveries(status="landed") + refused


@dataclass(frozen=True)
class _Finding:
    """Something accepted that a person may want to know."""

    check: str
    sentence: str
    count: int


@dataclass
class _Facts:
    """What became of a delivery's rows, for the door in."""

    delivered_rows: int = 0
    left_out_rows: int = 0
    findings: list[_Finding] = field(default_factory=list)
    refused: dict[str, str] | None = None

    def write(self, path: Path) -> None:
        held = {
            "delivered_rows": self.delivered_rows,
            "left_out_rows": self.left_out_rows,
            "warnings": [f.sentence for f in self.findings],
            "refused": self.refused,
        }
        path.write_text(json.dumps(held, ensure_ascii=False, indent=1))


def _conform_one(delivery: Delivery, source: Source, entry: StreamEntry, company: Company, work: Path) -> _Facts:
    import duckdb

    path = settings().var / delivery.path
    try:
        raw = files.read(entry, path, work, vouched=delivery.accepted_because is not None)
        with duckdb.connect() as d:
            _settle(d, work)
            statement = _Statement(delivery, source, entry, company, raw, _types_of_fragments(d, entry, raw))
            return _typed(d, statement, work / "conformed" / delivery.delivery_id)
    except DeliveryRefused as why:
        sentence = f"{why.sentence} ({why.hint})" if why.hint else why.sentence
        return _Facts(refused={"code": why.code, "sentence": sentence})


def _settle(d: duckdb.DuckDBPyConnection, work: Path) -> None:
    """Our functions, UTC, and no file but those of this installation."""
    d.execute("set TimeZone = 'UTC'")
    d.execute(f"set temp_directory = {_literal(work / 'spill')}")
    d.execute(f"set allowed_directories = [{_literal(settings().var)}, {_literal(work)}]")
    d.execute("set enable_external_access = false")
    d.create_function("in_plain_letters", _in_plain_letters, ["VARCHAR"], "VARCHAR")
    d.execute(_TIDY)


def _in_plain_letters(text: str) -> str:
    """One form for what looks the same: compatibility letters and digits (NFKC), nothing invisible, no outer blanks."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return visible.strip(" \t\r\n\u3000\u00a0")


def _types_of_fragments(d: duckdb.DuckDBPyConnection, entry: StreamEntry, raw: Raw) -> dict[str, tuple[str, str]]:
    """Each SQL expression of the entry, as it runs over this delivery, with its type. Refuses what does not bind."""
    import duckdb

    _hold_columns(entry, raw)
    bound = {}
    fragments = [(c.sql, c.where) for c in entry.columns.values() if c.sql is not None]
    fragments += [(out.sql, entry.where) for out in entry.leave_out]
    for sql, where in fragments:
        running = _with_numbers(sql, entry, raw)
        try:
            described = d.execute(f"describe select ({running}) as it from {raw.relation}").fetchall()
        except duckdb.Error as why:
            raise DeliveryRefused(
                f"{where}: `{sql}` does not run over this delivery: {str(why).splitlines()[0]}",
                code="schema",
                hint=f"its columns are {', '.join(f'{n} {t.lower()}' for n, t in raw.columns.items())}",
            ) from None
        bound[sql] = (running, str(described[0][1]))
    return bound


def _hold_columns(entry: StreamEntry, raw: Raw) -> None:
    """Every raw column that the entry names must be there; names are compared without outer blanks and case."""
    there = {n.casefold() for n in raw.columns}
    missing = sorted(n for n in entry.raw_columns() if n.strip().casefold() not in there)
    if not missing:
        return
    where = next((c.where for c in entry.columns.values() if c.from_ == missing[0]), entry.where)
    meant = configuration.nearest(missing[0], raw.columns)
    others = f" (and {', '.join(missing[1:])})" if missing[1:] else ""
    raise DeliveryRefused(
        f"{where}: the delivery has no column `{missing[0]}`{others}"
        + (f"; did you mean `{meant}`?" if meant else "."),
        code="schema",
        hint=f"its columns are {', '.join(raw.columns)}",
    )


def _with_numbers(sql: str, entry: StreamEntry, raw: Raw) -> str:
    """Text files give text: where an expression computes with a column, it is read as a number, exactly."""
    import sqlglot
    from sqlglot import exp

    kinds = {n.casefold(): t for n, t in raw.columns.items()}
    tree = sqlglot.parse_one(f"select {sql}", read="duckdb")
    changed = False
    for operation in list(tree.find_all(exp.Mul, exp.Div, exp.Add, exp.Sub, exp.Mod, exp.Neg)):
        for operand in (operation.args.get("this"), operation.args.get("expression")):
            column = operand.unnest() if operand is not None else None
            if isinstance(column, exp.Column) and kinds.get(column.name.casefold()) == "VARCHAR":
                number = _plain_number(column.sql("duckdb"), entry.csv.decimal, entry.csv.thousands)
                column.replace(sqlglot.parse_one(f"try_cast({number} as decimal(28, 8))", read="duckdb"))
                changed = True
    return tree.expressions[0].sql("duckdb") if changed else sql


def _typed(d: duckdb.DuckDBPyConnection, statement: _Statement, target: Path) -> _Facts:
    import duckdb

    try:
        d.execute(statement.sql())
    except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException) as why:
        raise DeliveryRefused(
            f"{statement.entry.where}: the delivery cannot be typed: {str(why).splitlines()[0]}",
            code="format",
            hint="mend the expression or the file",
        ) from None
    except duckdb.Error as why:
        raise OurFailure(
            f"{statement.delivery.delivery_id} could not be conformed: {str(why).splitlines()[0]}"
        ) from why
    _hold_dates(d, statement)
    names = ", ".join(["row_number", "claimed_on", "left_out_because", *statement.stream.column_names])
    d.execute(
        "create temp table broken (row_number bigint, reason_code varchar, column_name varchar, raw_value varchar)"
    )
    if statement.raw.broken:
        rows_of = ", ".join(f"({b.row_number}, '{b.reason}', null, {_literal(b.raw)})" for b in statement.raw.broken)
        d.execute(f"insert into broken values {rows_of}")
    _write(d, f"select {names} from judged where len(problems) = 0 order by row_number", target.with_suffix(".parquet"))
    _write(
        d,
        "select row_number, p.reason_code, p.column_name, p.raw_value"
        " from (select row_number, unnest(problems) as p from judged where len(problems) > 0)"
        " union all select * from broken order by row_number, column_name, reason_code",
        target.with_suffix(".rejected.parquet"),
    )
    rows, left_out, tidied, shifted = d.execute(
        "select count(*), count(left_out_because), count_if(ids_were_tidied), count_if(clock_was_changed) from judged"
    ).fetchall()[0]
    zone = statement.source.time_zone
    findings = [
        _Finding(
            "ids_tidied", f"Ids with outer blanks, other widths or invisible letters, tidied: {tidied:,}.", tidied
        ),
        _Finding(
            "clock_changed",
            f"Times in an hour in which {zone} changed its clocks: {shifted:,}. A skipped time counts as the later one,"
            " a doubled one as the second.",
            shifted,
        ),
    ]
    return _Facts(rows + len(statement.raw.broken), left_out, [f for f in findings if f.count])


def _write(d: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    aside = target.with_name(f".{target.name}.writing")
    d.execute(f"copy ({query}) to {_literal(aside)} (format parquet, compression zstd)")
    aside.replace(target)


def _hold_dates(d: duckdb.DuckDBPyConnection, statement: _Statement) -> None:
    """03/04/2026 is March or April: nobody guesses."""
    found = d.execute(
        f"""
        select p.column_name, count(*), any_value(p.raw_value), (select count(*) from judged where left_out_because is null)
        from (select unnest(problems) as p from judged where len(problems) > 0)
        where p.reason_code = 'date_invalid' and regexp_matches(p.raw_value, '{_AMBIGUOUS_DAY}')
        group by 1
        """
    ).fetchall()
    for column, count, example, rows in found:
        entry = statement.entry.columns.get(column)
        formats = entry.format if entry is not None else statement.entry.known_on_formats()
        if not formats and count > _AMBIGUOUS_SHARE * rows:
            where = entry.where if entry is not None else statement.entry.where
            raise DeliveryRefused(
                f"{where}: `{example}` in {column} may be day first or month first.",
                code="format",
                hint='say so: `format: "%d/%m/%Y"` or `format: "%m/%d/%Y"`, with the time where there is one',
            )


# --- the statement --------------------------------------------------------------------------------------------------


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


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _listed(values: Iterable[str]) -> str:
    return "(" + ", ".join(_literal(v) for v in values) + ")"


def _plain_number(text: str, decimal: str, thousands: str | None) -> str:
    """A number as this source writes it, rewritten with a point and nothing else; what is written otherwise stays wrong."""
    if thousands is not None:
        grouped = rf"^[+-]?\d{{1,3}}({re.escape(thousands)}\d{{3}})+({re.escape(decimal)}\d*)?$"
        text = f"case when regexp_matches({text}, {_literal(grouped)}) then replace({text}, {_literal(thousands)}, '') else {text} end"
    if decimal == ",":
        text = f"case when contains({text}, '.') then 'x' else replace({text}, ',', '.') end"
    return text


class _Statement:
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
        typed = [f"{r.typed} as {n}" for n, r in made.items()]
        tidied = [f"coalesce({n}__tidied, false)" for n, r in made.items() if r.tidied]
        clocks = [f"coalesce({r.clock}, false)" for r in made.values() if r.clock]
        judged = {**made, "known_on": known_on}
        problems = [self._problem(n, r, condition, code) for n, r in judged.items() for condition, code in r.problems]
        conditions = [condition for r in judged.values() for condition, _ in r.problems]
        columns = ",\n        ".join(f"cast({n} as {DUCKDB_TYPES[self.stream.column(n).kind]}) as {n}" for n in made)
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
            f"when coalesce(try({self.fragments[out.sql][0]}), false) then {_literal(out.because)}"
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
        return _literal(value), "VARCHAR"

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
            f"when {_literal(_in_plain_letters(k))} then {_literal(str(v).lower() if isinstance(v, bool) else v)}"
            for k, v in entry.codes.items()
        )
        return f"case tidy({written}::varchar) {whens} else {written}::varchar end"

    def _require(self, column: Column, entry: ColumnEntry, reading: _Reading) -> None:
        """Whether the column may be empty; an expression that gives nothing from something was written wrongly."""
        name = column.name
        nothing = f"{name}__written is null"
        if entry.sql is not None:
            named = [files.identifier(n) for n in sorted(description.fragment_columns(entry.sql))]
            shown = ", ".join(f"{_literal(n.strip(chr(34)) + '=')} || nullif(trim({n}::varchar), '')" for n in named)
            if named:
                reading.inputs = f"case when {reading.written} is null then nullif(concat_ws(', ', {shown}), '') end"
        if not column.required:
            return
        if column.kind == "id_text":
            reading.problems.append((f"{name} is null", "customer_missing" if name == "customer_id" else "id_missing"))
            return
        if column.kind == "currency":
            return  # an empty one is no known one
        wrong = {
            "money": "amount_format",
            "number": "number_format",
            "timestamp": "date_invalid",
            "date": "date_invalid",
            "boolean": "boolean_format",
            "code": self._outside(),
        }.get(column.kind, "required_missing")
        if reading.inputs == "null":
            reading.problems.append((nothing, "required_missing"))
        else:
            reading.problems.append((f"({nothing} and {name}__inputs is null)", "required_missing"))
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
        if self.stream.name == "orders":
            problems.append((f"{column.name} <> '{self.company.currency}'", "fx_missing"))
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
        plain = _plain_number(
            bare, entry.decimal or self.entry.csv.decimal, entry.thousands or self.entry.csv.thousands
        )
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
        written = raw
        textual = kind == "VARCHAR" or not (kind.startswith("TIMESTAMP") or kind == "DATE")
        if textual:
            written = f"nullif(tidy({raw}::varchar), '')"
        local, utc = self._times(w, kind, entry.format)
        typed = f"cast({local} as date)" if column.kind == "date" else utc
        epoch = next((f for f in entry.format if f in EPOCHS), None)
        problems = []
        if epoch and textual:
            positive = f"(try_cast({w} as double) > 0 and {column.name} is null)"
            problems.append((positive, "epoch_unit"))
            problems.append(
                (f"({w} is not null and {column.name} is null and not coalesce({positive}, false))", "date_invalid")
            )
        else:
            problems.append((f"({w} is not null and {column.name} is null)", "date_invalid"))
        problems.append((f"year({column.name}) < 1900", "date_invalid"))
        reading = _Reading(written, typed, problems)
        if column.kind == "timestamp" and "TIME ZONE" not in kind and not epoch:
            zone = self.source.time_zone
            back = f"timezone('{zone}', timezone('UTC', {column.name}))"
            early = f"timezone('{zone}', timezone('UTC', {column.name} - interval 1 hour))"
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
                instants.append(f"try_strptime({w}, {_literal(one)})")
            else:
                locals_.append(f"try_strptime({w}, {_literal(one)})")
        return instants, locals_


def _lines(parts: list[str]) -> str:
    return ",\n        ".join(parts)
