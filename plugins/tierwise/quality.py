"""The two doors: Great Expectations' suites held against tables. The only module that knows Great Expectations.

All deliveries of a stream stand at the door as one table and share one validation, so a backfill of a thousand files
costs what a night costs; `delivery_id` tells them apart.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from tierwise import configuration, lake
from tierwise.configuration import Company, Described
from tierwise.errors import OurFailure, told_of
from tierwise.settings import settings
from tierwise.sources.reasons import DELIVERY_REASONS, ROW_REASONS
from tierwise.sources.streams import DUCKDB_TYPES, STREAMS, Stream

if TYPE_CHECKING:
    import duckdb

# SQLAlchemy's own options: without both, Great Expectations reads a DuckDB result after giving its connection back.
READ_ONLY: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}

_DELIVERIES = "deliveries"
_RELEASE = "release"
_SQL = "unexpected_rows_expectation"
_KEY = ["delivery_id", "row_number"]

Asks = Literal["rows", "deliveries", "release"]


@dataclass(frozen=True)
class AtTheDoor:
    """A conformed delivery that asks to come in."""

    delivery_id: str
    source: str
    stream: str
    rows: Path  # row_number, claimed_on, left_out_because and the stream's canonical columns
    known_on: date  # the accepting run's day; a row that claims a day of its own is judged against that
    delivered_rows: int
    usual_rows: float | None  # None: no history to compare with
    accepted_anyway: bool  # a person vouches for it: nothing about the whole delivery refuses it
    log: tuple[Path, ...] = ()  # what the stream's accepted log holds already


@dataclass(frozen=True)
class Finding:
    """What an expectation found, in a sentence. `code` is the reason in the vocabulary of `sources.reasons`, if any."""

    check: str
    severity: Literal["critical", "warning"]
    code: str
    sentence: str
    count: int


@dataclass
class Verdict:
    """What the door says about one delivery.

    `failing` is Parquet (row_number, reason_code, column_name), ordered by row and then as the suite declares its
    expectations: a row that fails several has several lines, the first is the main reason.
    """

    delivery_id: str
    failing: Path
    failing_rows: int = 0
    refusals: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)


# --- the door in ----------------------------------------------------------------------------------------------------


def door_in(deliveries: list[AtTheDoor], company: Company, gate: Path) -> list[Verdict]:
    """Hold conformed deliveries against the suites of their streams and against `deliveries.yml`.

    Critical findings about rows name the rows for quarantine (also where the expectation's `mostly` is met), critical
    findings about a delivery refuse it, warnings are told. `gate` is a file of views, made anew. Raises
    ConfigurationRefused for a suite that is not well formed, and OurFailure where Great Expectations failed or
    counted other rows than were found: neither is ever a pass.
    """
    if not deliveries:
        return []
    streams = [s for s in STREAMS.values() if any(d.stream == s.name for d in deliveries)]
    suites = [_load(_suite_file(s.name), "rows", s) for s in streams]
    suites.append(_load(_suite_file(_DELIVERIES), "deliveries"))

    for old in (gate, gate.with_name(gate.name + ".wal")):
        old.unlink(missing_ok=True)
    gate.parent.mkdir(parents=True, exist_ok=True)
    spill = gate.with_name("spill")
    with lake.engine(spill, gate) as d:
        _furnish(d, deliveries, streams, company)
    with _opened(gate, spill) as source:
        found = [f for suite in suites for f in _found(source, suite, company)]
    verdicts = {d.delivery_id: Verdict(d.delivery_id, d.rows.with_suffix(".failing.parquet")) for d in deliveries}
    vouched = {d.delivery_id for d in deliveries if d.accepted_anyway}
    with lake.engine(spill) as d:  # in memory: the gate's file belongs to Great Expectations' way of opening it
        _furnish(d, deliveries, streams, company)
        d.execute(
            "create table failing (delivery_id varchar, row_number bigint, reason_code varchar, column_name varchar,"
            " place integer)"
        )
        for one in found:
            _give_to_verdicts(d, one, verdicts, vouched)
        for verdict in verdicts.values():
            verdict.failing_rows = _write_failing(d, verdict)
    return list(verdicts.values())


def _furnish(
    d: duckdb.DuckDBPyConnection, deliveries: list[AtTheDoor], streams: list[Stream], company: Company
) -> None:
    """What the suites' queries see: `limits`, one table a stream, `deliveries`, and `accepted_` with the name of a
    stream that people write: the rows that came in before."""
    limits = company.limits.model_dump()
    d.execute(f"create table limits as select {', '.join(f'{_literal(v)} as {k}' for k, v in limits.items())}")
    d.execute(
        "create table delivery_facts (delivery_id varchar, source varchar, stream varchar, rows_file varchar,"
        " known_on date, delivered_rows bigint, usual_rows double)"
    )
    d.executemany(
        "insert into delivery_facts values (?, ?, ?, ?, ?, ?, ?)",
        [
            (one.delivery_id, one.source, one.stream, str(one.rows), one.known_on, one.delivered_rows, one.usual_rows)
            for one in deliveries
        ],
    )
    zone = _literal(company.time_zone)
    read = {s.name: f"read_parquet([{_files(deliveries, s)}], filename = true)" for s in streams}
    claimed = " union ".join(
        f"select distinct filename, cast(claimed_on as date) as claimed_on from {r}" for r in read.values()
    )
    d.execute(  # a table, because the engine takes longer over one time zone than over all the rest of a row
        "create table known_days as"
        " select f.rows_file, f.source, f.delivery_id, c.claimed_on, coalesce(c.claimed_on, f.known_on) as known_on,"
        f" timezone('UTC', timezone({zone}, cast(coalesce(c.claimed_on, f.known_on) + 1 as timestamp))) as day_ends_at"
        f" from ({claimed}) c join delivery_facts f on f.rows_file = c.filename"
    )
    newest = []
    for stream in streams:
        d.execute(f"create view {stream.name} as {_rows_at_the_door(stream, read[stream.name])}")
        if stream.by_people:
            log = next(one.log for one in deliveries if one.stream == stream.name)
            d.execute(f"create view accepted_{stream.name} as {lake.rows_of(log, stream.log_columns)}")
        event = f"max({stream.event_at})" if stream.event_at else "null::timestamp"
        newest.append(
            f"select delivery_id, {event} as newest_at, max(known_on) as describes_on from {stream.name} group by all"
        )
    d.execute(
        f"create view {_DELIVERIES} as"
        " select f.delivery_id, f.source, f.stream, f.delivered_rows, f.usual_rows, n.describes_on,"
        f" cast(timezone({zone}, timezone('UTC', n.newest_at)) as date) as newest_on"
        f" from delivery_facts f left join ({' union all '.join(newest)}) n on n.delivery_id = f.delivery_id"
    )


def _files(deliveries: list[AtTheDoor], stream: Stream) -> str:
    return ", ".join(_literal(str(one.rows)) for one in deliveries if one.stream == stream.name)


def _rows_at_the_door(stream: Stream, rows: str) -> str:
    columns = ", ".join(f'r."{name}"' for name in stream.column_names)
    return (
        f"select k.source, k.delivery_id, r.row_number, k.known_on, k.day_ends_at, {columns} from {rows} r"
        " join known_days k on k.rows_file = r.filename and k.claimed_on is not distinct from cast(r.claimed_on as date)"
        " where r.left_out_because is null"
    )


def _literal(value: object) -> str:
    if value is None:
        return "null::integer"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True)
class _Found:
    """One expectation that some rows do not meet: how many Great Expectations counted, and a query that names them."""

    place: int
    declared: _Expectation
    at: str
    count: int
    keys: str


def _found(source: Any, suite: _Suite, company: Company) -> list[_Found]:
    """First ask only yes or no; then, where the answer was no or might hide rows (`mostly`), for counts and keys."""
    asset = source.add_table_asset(suite.name, table_name=suite.name)
    first = _validated(asset, suite, range(len(suite.expectations)), {"result_format": "BOOLEAN_ONLY"}, company)
    again = [
        n
        for n, declared in enumerate(suite.expectations)
        if not first[n].success or float(declared.kwargs.get("mostly", 1)) < 1
    ]
    if not again:
        return []
    complete: dict[str, Any] = {"result_format": "COMPLETE", "include_unexpected_rows": False}
    if suite.asks == "rows":
        complete["unexpected_index_column_names"] = _KEY
    found = []
    for n, result in _validated(asset, suite, again, complete, company).items():
        declared = suite.expectations[n]
        if declared.type == _SQL:
            count = result.result["observed_value"]
            keys = declared.kwargs["unexpected_rows_query"].rstrip("; \t\r\n\v\f").format(batch=suite.name)
        else:
            count = result.result["unexpected_count"]
            keys = str(result.result.get("unexpected_index_query") or "").strip().rstrip(";")
        if count:
            found.append(_Found(n, declared, suite.at(n), count, keys))
    return found


def _give_to_verdicts(
    d: duckdb.DuckDBPyConnection, found: _Found, verdicts: dict[str, Verdict], vouched: set[str]
) -> None:
    """Name the failing rows, hold their number against what Great Expectations counted, and sort them by delivery."""
    import duckdb

    meta = found.declared.meta
    try:
        d.execute(f"create or replace temp table keys as {found.keys}")
    except duckdb.Error as why:
        raise OurFailure(f"{found.at}: the failing rows cannot be named: {told_of(why)}") from None
    columns = {name for (name,) in d.execute("select column_name from (describe keys)").fetchall()}
    key = [name for name in _KEY if name in columns]
    if key != (_KEY if meta.reason else key) or "delivery_id" not in key:
        raise OurFailure(f"{found.at}: the query does not select {' and '.join(_KEY if meta.reason else _KEY[:1])}.")
    named, distinct = _one(d, f"select count(*), count(distinct ({', '.join(key)})) from keys")
    strangers = _one(d, "select count(*) from keys anti join delivery_facts using (delivery_id)")[0]
    if named != found.count or strangers or (_KEY[1] in key and distinct != found.count):
        raise OurFailure(
            f"{found.at}: Great Expectations counted {found.count} failing rows, but {named} were found"
            f" ({distinct} different ones, {strangers} of no delivery at the door); nothing was let in.",
            hint=f"write the check as {_SQL} that selects each failing delivery_id and row_number once; a row_condition"
            " is not part of the query that names the rows",
        )
    if meta.reason:
        d.execute(
            "insert into failing select delivery_id, row_number, ?, ?, ? from keys",
            [meta.reason, meta.column, found.place],
        )
        return
    sentence = "string_agg(sentence, '; ' order by sentence)" if "sentence" in columns else "null"
    told = d.execute(
        f"select delivery_id, count(*), {sentence} from keys group by delivery_id order by delivery_id"
    ).fetchall()
    for delivery_id, count, said in told:
        finding = _finding(found.declared, count, said, vouched=delivery_id in vouched)
        to = verdicts[delivery_id]
        (to.warnings if finding.severity == "warning" else to.refusals).append(finding)


def _finding(declared: _Expectation, count: int, said: str | None, *, vouched: bool) -> Finding:
    sentence = said or f"not so in {count} {'row' if count == 1 else 'rows'}: {declared.description}"
    severity = declared.severity
    if vouched and declared.meta.refuses:
        severity, sentence = "warning", f"{sentence} (accepted all the same: a person said so)"
    return Finding(declared.check, severity, declared.meta.refuses or "", sentence, count)


def _write_failing(d: duckdb.DuckDBPyConnection, verdict: Verdict) -> int:
    d.execute(
        "copy (select row_number, reason_code, column_name from failing"
        f" where delivery_id = {_literal(verdict.delivery_id)} order by row_number, place)"
        f" to {_literal(str(verdict.failing))} (format parquet, compression zstd)"
    )
    rows = d.execute("select count(distinct row_number) from failing where delivery_id = ?", [verdict.delivery_id])
    return int(_one(rows)[0])


def _one(d: duckdb.DuckDBPyConnection, query: str | None = None) -> tuple[Any, ...]:
    row = (d.execute(query) if query else d).fetchone()
    assert row is not None
    return tuple(row)


# --- the door out ---------------------------------------------------------------------------------------------------


def door_out(database: Path, company: Company, spill: Path) -> list[Finding]:
    """Hold a built release (its own DuckDB file, opened read-only) against `release.yml`; returns the warnings.
    What it has no memory for goes to the folder `spill`.

    Raises OurFailure with every critical finding. No other connection of this process may hold the file.
    """
    suite = _load(_suite_file(_RELEASE), "release")
    findings = []
    if database.with_name(database.name + ".wal").exists():
        raise OurFailure(f"{database} is still being written: there is a write-ahead log beside it.")
    with _opened(database, spill) as source:
        for table in dict.fromkeys(str(e.meta.table) for e in suite.expectations):
            about = [n for n, e in enumerate(suite.expectations) if e.meta.table == table]
            try:
                asset = source.add_table_asset(table, table_name=table, schema_name="marts")
            except Exception as why:  # noqa: BLE001  Great Expectations raises its own for a table that is not there
                raise OurFailure(f"{suite.at(about[0])}: marts.{table} cannot be read: {told_of(why)}") from None
            for n, result in _validated(asset, suite, about, {"result_format": "BASIC"}, company).items():
                if not result.success:
                    declared = suite.expectations[n]
                    count = _count_of(result.result)
                    sentence = f"not so{f' ({count} cases)' if count else ''}: {declared.description}"
                    findings.append((n, Finding(declared.check, declared.severity, "", sentence, count)))
    ordered = [finding for _, finding in sorted(findings, key=lambda pair: pair[0])]
    critical = [finding for finding in ordered if finding.severity == "critical"]
    if critical:
        raise OurFailure(
            "The release does not hold: " + "; ".join(f"{f.check}: {f.sentence}" for f in critical) + ".",
            hint="readers keep the release they have; the checks are in expectations/release.yml",
        )
    return ordered


def _count_of(result: dict[str, Any]) -> int:
    for key in ("unexpected_count", "observed_value"):
        if isinstance(result.get(key), int):
            return int(result[key])
    return 0


# --- Great Expectations ---------------------------------------------------------------------------------------------


@contextmanager
def _opened(database: Path, spill: Path) -> Iterator[Any]:
    """A data source of an ephemeral context: no files, no progress bars, nothing sent anywhere."""
    gx = _great_expectations()
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    settled = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
    context = gx.get_context(mode="ephemeral", project_config=settled)
    held = {"access_mode": "read_only", "temp_directory": str(spill)}
    memory = settings().memory
    asked = urlencode({**held, "memory_limit": memory} if memory else held)
    source = context.data_sources.add_sql("door", connection_string=f"duckdb:///{database}?{asked}", kwargs=READ_ONLY)
    try:
        yield source
    finally:  # both, or the next one to open the file is refused for its "different configuration"
        source.get_execution_engine().close()
        source.get_engine().dispose()


def _great_expectations() -> Any:
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations

    return great_expectations


def _validated(
    asset: Any, suite: _Suite, which: Iterator[int] | range | list[int], result_format: dict[str, Any], company: Company
) -> dict[int, Any]:
    """Results by the expectation's place in its suite. An exception inside Great Expectations is a failure of ours."""
    which = list(which)
    parameters = {k: float(v) if isinstance(v, Decimal) else v for k, v in company.limits.model_dump().items()}
    try:
        batch = asset.add_batch_definition_whole_table("+".join([result_format["result_format"], *map(str, which)]))
        found = batch.get_batch().validate(
            suite.built(which), result_format=result_format, expectation_parameters=parameters
        )
    except Exception as why:  # noqa: BLE001  whatever it is, it is no pass
        raise OurFailure(f"{suite.file}: {suite.name} could not be checked: {told_of(why)}") from None
    results = {}
    for result in found.results:
        place = result.expectation_config.meta["place"]
        raised = _raised(result.exception_info)
        if raised:
            raise OurFailure(
                f"{suite.at(place)}: the check {suite.expectations[place].check} of {suite.name} failed to run: {raised}",
                hint="mend the suite; nothing was let in or out",
            )
        results[place] = result
    if set(results) != set(which):
        raise OurFailure(f"{suite.file}: of {len(which)} checks of {suite.name} only {len(results)} came back.")
    return results


def _raised(info: dict[str, Any] | None) -> str:
    """What Great Expectations caught, which it reports either flat or once per metric."""
    for one in [info or {}, *(v for v in (info or {}).values() if isinstance(v, dict))]:
        if one.get("raised_exception"):
            kinds = re.findall(r"(?m)^([\w.]+(?:Error|Exception))\b", str(one.get("exception_traceback")))
            return told_of(str(one.get("exception_message"))) or (kinds[-1] if kinds else "an exception without a name")
    return ""


# --- suites -----------------------------------------------------------------------------------------------------------


class _Meta(Described):
    """What we do with a finding: quarantine rows (`reason`, `column`), refuse a delivery (`refuses`), or tell (`name`)."""

    name: str | None = None
    reason: str | None = None
    column: str | None = None
    refuses: str | None = None
    table: str | None = None


class _Expectation(Described):
    """The arguments of one expectation, in Great Expectations' own words."""

    type: str
    severity: Literal["critical", "warning"]
    description: str
    meta: _Meta
    kwargs: dict[str, Any]
    notes: str | None = None

    @property
    def check(self) -> str:
        return self.meta.name or self.meta.refuses or f"{self.meta.reason}:{self.meta.column}"


class _Declared(Described):
    name: str
    expectations: list[_Expectation]
    notes: str | None = None


@dataclass(frozen=True)
class _Suite:
    """A suite, checked, and where its expectations stand in their file."""

    declared: _Declared
    lines: configuration.Lines
    asks: Asks

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def file(self) -> str:
        return self.lines.file

    @property
    def expectations(self) -> list[_Expectation]:
        return self.declared.expectations

    def at(self, place: int) -> str:
        return self.lines.at("expectations", place)

    def built(self, which: list[int]) -> Any:
        arguments = self.declared.model_dump(exclude_none=True)
        arguments["expectations"] = [self.arguments(n) for n in which]
        return _great_expectations().ExpectationSuite(**arguments)

    def arguments(self, place: int) -> dict[str, Any]:
        one = _plain(self.expectations[place].model_dump(exclude_none=True))
        return {**one, "meta": {**one["meta"], "place": place}}


def _plain(value: Any) -> Any:
    """Great Expectations knows no decimals."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return float(value) if isinstance(value, Decimal) else value


def check_suites() -> None:
    """Load every suite, and have the engine read the queries of the door in. Raises ConfigurationRefused."""
    import duckdb

    suites = [_load(_suite_file(stream.name), "rows", stream) for stream in STREAMS.values()]
    suites.append(_load(_suite_file(_DELIVERIES), "deliveries"))
    _load(_suite_file(_RELEASE), "release")
    problems = []
    with duckdb.connect() as d:
        _furnish_empty(d)
        for suite in suites:
            for n, declared in enumerate(suite.expectations):
                why = _unreadable(d, declared, suite)
                if why:
                    problems.append((suite.lines.line("expectations", n), f"{suite.at(n)}: {why}"))
    if problems:
        raise configuration.refusal(problems, hint="mend the suite; `tierwise doctor` reads it again")


def _furnish_empty(d: duckdb.DuckDBPyConnection) -> None:
    limits = configuration.Limits().model_dump()
    d.execute(f"create table limits as select {', '.join(f'{_literal(v)} as {k}' for k, v in limits.items())}")
    for stream in STREAMS.values():
        columns = ", ".join(f'"{c.name}" {DUCKDB_TYPES[c.kind]}' for c in stream.columns)
        d.execute(
            f"create table {stream.name} (source varchar, delivery_id varchar, row_number bigint, known_on date,"
            f" day_ends_at timestamp, {columns})"
        )
        if stream.by_people:
            d.execute(f"create view accepted_{stream.name} as {lake.rows_of((), stream.log_columns)}")
    d.execute(
        f"create table {_DELIVERIES} (delivery_id varchar, source varchar, stream varchar, delivered_rows bigint,"
        " usual_rows double, describes_on date, newest_on date)"
    )


def _unreadable(d: duckdb.DuckDBPyConnection, declared: _Expectation, suite: _Suite) -> str:
    import duckdb

    if declared.type != _SQL:
        known = {name for (name,) in d.execute(f"select column_name from (describe {suite.name})").fetchall()}
        named = [v for k, v in declared.kwargs.items() if k.lower().startswith("column") and isinstance(v, str)]
        unknown = [name for name in named if name not in known]
        return f"{suite.name} has no column {unknown[0]}" if unknown else ""
    wanted = _KEY if declared.meta.reason else _KEY[:1]
    try:
        query = declared.kwargs["unexpected_rows_query"].rstrip("; \t\r\n\v\f").format(batch=suite.name)
        columns = {name for (name,) in d.execute(f"select column_name from (describe {query})").fetchall()}
    except duckdb.Error as why:
        return told_of(why)
    missing = [name for name in wanted if name not in columns]
    return f"the query must select {' and '.join(wanted)}; {missing[0]} is missing" if missing else ""


def _suite_file(name: str) -> Path:
    return settings().expectations / f"{name}.yml"


def _load(path: Path, asks: Asks, stream: Stream | None = None) -> _Suite:
    """Read one suite and name everything wrong with it. Raises ConfigurationRefused with file and line.

    Great Expectations' own constructor drops an expectation that it cannot build and goes on; a check that vanishes
    silently is worse than none, so each is built here first.
    """
    declared, lines = configuration.load_with_lines(path, _Declared)
    suite = _Suite(declared, lines, asks)
    problems = []
    if declared.name != path.stem:
        problems.append((lines.line("name"), f"{lines.at('name')}: name is {declared.name}; write {path.stem}"))
    for n in range(len(declared.expectations)):
        wrong = [*_misdeclared(suite, n, stream), *_unbuildable(suite, n)]
        problems += [(lines.line("expectations", n), f"{suite.at(n)}: {why}") for why in wrong]
    if not problems and len(suite.built(list(range(len(declared.expectations)))).expectations) != len(
        declared.expectations
    ):
        problems.append((1, f"{lines.file}: Great Expectations dropped a part of this suite; is one declared twice?"))
    if problems:
        raise configuration.refusal(problems, hint="mend the suite; nothing is checked with half of one")
    return suite


def _misdeclared(suite: _Suite, place: int, stream: Stream | None) -> Iterator[str]:
    """What `meta` says must fit the severity and the suite."""
    one = suite.expectations[place]
    meta = one.meta
    if suite.asks == "release":
        allowed, needed = {"name", "table"}, {"name", "table"}
    elif one.severity == "warning":
        allowed, needed = {"name"}, {"name"}
    elif suite.asks == "deliveries" or meta.refuses:
        allowed, needed = {"refuses"}, {"refuses"}
    else:
        allowed, needed = {"reason", "column"}, {"reason", "column"}
    given = set(meta.model_dump(exclude_none=True))
    kind = f"a {one.severity} expectation of {suite.name}"
    for key in sorted(needed - given):
        yield f"meta.{key} is missing: {kind} needs {' and '.join(sorted(needed))}"
    for key in sorted(given - allowed):
        yield f"meta.{key} does nothing in {kind}; it takes {' and '.join(sorted(allowed))}"
    for key, code, known in (("reason", meta.reason, ROW_REASONS), ("refuses", meta.refuses, DELIVERY_REASONS)):
        if code is not None and code not in known:
            yield f"meta.{key}: there is no reason {code}{_meant(code, known)}"
    if stream and meta.column is not None and meta.column not in stream.column_names:
        yield f"meta.column: {stream.name} has no column {meta.column}{_meant(meta.column, stream.column_names)}"
    if one.type == _SQL and "{batch}" not in str(one.kwargs.get("unexpected_rows_query", "{batch}")):
        yield "the query does not read {batch}, so it would see other tables only"
    elif one.type != _SQL and (suite.asks == "deliveries" or meta.refuses):
        yield f"what concerns a whole delivery is written as {_SQL} that selects its delivery_id"


def _unbuildable(suite: _Suite, place: int) -> Iterator[str]:
    _great_expectations()
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.expectation import (
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        MulticolumnMapExpectation,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    kind = suite.expectations[place].type
    try:
        built = ExpectationConfiguration(**suite.arguments(place)).to_domain_obj()
    except ExpectationNotFoundError:
        yield f"type: there is no expectation {kind}{_meant(kind, list_registered_expectation_implementations())}"
        return
    except ValidationError as why:
        for error in why.errors():
            name = ".".join(str(part) for part in error["loc"] if part != "__root__")
            known = set(getattr(why.model, "__fields__", {}))
            guess = _meant(name, known) if error["type"] == "value_error.extra" else ""
            yield f"kwargs{f'.{name}' if name else ''}: {str(error['msg']).splitlines()[0]}{guess}"
        return
    except Exception as why:  # noqa: BLE001  any other way in which it is not to be built
        yield f"{kind} cannot be built: {why}".splitlines()[0]
        return
    by_row = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
    if suite.asks != "release" and kind != _SQL and not isinstance(built, by_row):
        yield f"{kind} looks at a whole table, not at rows; write {_SQL} that selects the delivery_id"


def _meant(word: str, known: Any) -> str:
    near = configuration.nearest(word, known)
    return f"; did you mean {near}?" if near else ""
