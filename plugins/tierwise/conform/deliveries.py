"""One delivery after the other: read, typed by its statement, or refused with a sentence."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise import configuration, control, lake
from tierwise.conform.statement import Statement, in_plain_letters, literal, plain_number
from tierwise.errors import DeliveryRefused, OurFailure, told_of
from tierwise.settings import settings
from tierwise.sources import description, files

if TYPE_CHECKING:
    import duckdb

    from tierwise.configuration import Company
    from tierwise.control import Delivery
    from tierwise.sources.description import Source, StreamEntry
    from tierwise.sources.files import Raw

log = logging.getLogger(__name__)

# Refusals that a mended description can lift: such deliveries are read again each night.
_MENDABLE = ("schema", "encoding", "format", "lossy_money", "csv_parse", "too_many_columns")
_AMBIGUOUS_DAY = r"^\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}"
_AMBIGUOUS_SHARE = 0.01
# What is plain ASCII already passes without a call into Python.
_TIDY = """
create macro tidy(t) as
    case when regexp_full_match(t, '[!-~]*|[!-~][ -~]*[!-~]') then t else in_plain_letters(t) end
"""


def conform(run_id: str) -> list[str]:
    """Type every landed delivery that nobody decided about yet; returns the ids of those that could be read.

    What was refused for its form is tried again: the mapping may have been mended since. What was to be read anew is
    not: it stands as it was read, and another mapping is another delivery.

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
            control.refuse_delivery(run_id, delivery.delivery_id, facts.refused["code"], facts.refused["sentence"])
        for f in facts.findings:
            control.add_finding(delivery.delivery_id, run_id, f.check, "warning", f.sentence, f.count)
        facts.write(folder / f"{delivery.delivery_id}.json")
    return readable


def _undecided() -> list[Delivery]:
    refused = control.deliveries(status="refused")
    mendable = [d for d in refused if d.refusal_code in _MENDABLE and d.remapped_from is None]
    return control.deliveries(status="landed") + mendable


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
    mapping: str | None = None
    findings: list[_Finding] = field(default_factory=list)
    refused: dict[str, str] | None = None

    def write(self, path: Path) -> None:
        held = {
            "delivered_rows": self.delivered_rows,
            "left_out_rows": self.left_out_rows,
            "mapping": self.mapping,
            "warnings": [f.sentence for f in self.findings],
            "refused": self.refused,
        }
        path.write_text(json.dumps(held, ensure_ascii=False, indent=1))


def _conform_one(delivery: Delivery, source: Source, entry: StreamEntry, company: Company, work: Path) -> _Facts:
    import duckdb

    path = settings().var / delivery.path
    try:
        _hold_day(delivery, entry)
        raw = files.read(entry, path, work, vouched=delivery.accepted_because is not None)
        with lake.engine(work / "spill") as d:
            _settle(d, work)
            statement = Statement(delivery, source, entry, company, raw, _types_of_fragments(d, entry, raw))
            return _typed(d, statement, work / "conformed" / delivery.delivery_id)
    except DeliveryRefused as why:
        sentence = f"{why.sentence} ({why.hint})" if why.hint else why.sentence
        return _Facts(refused={"code": why.code, "sentence": sentence})
    except (EOFError, gzip.BadGzipFile, zlib.error, duckdb.Error) as why:
        return _Facts(refused={"code": "truncated", "sentence": f"{delivery.name} cannot be read ({told_of(why)})."})


def _hold_day(delivery: Delivery, entry: StreamEntry) -> None:
    """A file that should carry its day in its name must do so: nobody guesses when it became known."""
    known_on = entry.known_on
    if known_on is not None and known_on.from_name is not None and known_on.day_of(delivery.name) is None:
        raise DeliveryRefused(
            f"{delivery.name} does not give its day the way `{known_on.from_name}` says ({entry.where}).",
            code="format",
            hint="rename the file or mend the pattern",
        )


def _settle(d: duckdb.DuckDBPyConnection, work: Path) -> None:
    """Our functions, UTC, and no file but those of this installation."""
    d.execute("set TimeZone = 'UTC'")
    d.execute(f"set allowed_directories = [{literal(settings().var)}, {literal(work)}]")
    d.execute("set enable_external_access = false")
    d.create_function("in_plain_letters", in_plain_letters, ["VARCHAR"], "VARCHAR")
    d.execute(_TIDY)


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
                f"{where}: `{sql}` does not run over this delivery: {told_of(why)}",
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
                number = plain_number(column.sql("duckdb"), entry.csv.decimal, entry.csv.thousands)
                column.replace(sqlglot.parse_one(f"try_cast({number} as decimal(28, 8))", read="duckdb"))
                changed = True
    return tree.expressions[0].sql("duckdb") if changed else sql


def _typed(d: duckdb.DuckDBPyConnection, statement: Statement, target: Path) -> _Facts:
    import duckdb

    try:
        d.execute(statement.sql())
    except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException) as why:
        raise DeliveryRefused(
            f"{statement.entry.where}: the delivery cannot be typed ({told_of(why)})",
            code="format",
            hint="mend the expression or the file",
        ) from None
    except duckdb.Error as why:
        raise OurFailure(f"{statement.delivery.delivery_id} could not be conformed ({told_of(why)})") from why
    _hold_dates(d, statement)
    names = ", ".join(
        ["row_number", "claimed_on", "left_out_because", *map(files.identifier, statement.stream.column_names)]
    )
    d.execute(
        "create temp table broken (row_number bigint, reason_code varchar, column_name varchar, raw_value varchar)"
    )
    if statement.raw.broken:
        rows_of = ", ".join(f"({b.row_number}, '{b.reason}', null, {literal(b.raw)})" for b in statement.raw.broken)
        d.execute(f"insert into broken values {rows_of}")
    order = "order_id" if "order_id" in statement.stream.column_names else "null::varchar"
    _write(d, f"select {names} from judged where len(problems) = 0 order by row_number", target.with_suffix(".parquet"))
    _write(
        d,
        f"select row_number, p.reason_code, p.column_name, p.raw_value, order_id from (select row_number, {order}"
        " as order_id, unnest(problems) as p from judged where len(problems) > 0)"
        " union all by name select * from broken order by row_number, column_name, reason_code",
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
    return _Facts(
        delivered_rows=rows + len(statement.raw.broken),
        left_out_rows=left_out,
        mapping=statement.entry.mapping(zone),
        findings=[f for f in findings if f.count],
    )


def _write(d: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    aside = target.with_name(f".{target.name}.writing")
    d.execute(f"copy ({query}) to {literal(aside)} (format parquet, compression zstd)")
    aside.replace(target)


def _hold_dates(d: duckdb.DuckDBPyConnection, statement: Statement) -> None:
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
