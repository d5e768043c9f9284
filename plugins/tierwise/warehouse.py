"""The one door to the engine: lay a run's inputs, run dbt, read and write. The only module that knows dbt."""

from __future__ import annotations

import functools
import gc
import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tierwise import lake, segments
from tierwise.errors import OurFailure
from tierwise.settings import hand_over, settings
from tierwise.sources.streams import STREAMS

Progress = Callable[[str, int, int], None]  # node name, how many are done, how many there are

# The two halves of a build; between them the value model scores the purchase histories (scoring.py).
PARTS: dict[str, list[str]] = {
    "history": [
        *("--select", "path:models/staging", "path:models/intermediate/history"),
        *("--indirect-selection", "cautious"),  # a test of a mart waits for its mart
    ],
    "proposals": [
        *("--select", "path:models/intermediate/overrides", "path:models/intermediate/decision"),
        "path:models/marts",
    ],
}
DECISION = "decision"  # a part of its own for who brings tables: simulations, benchmarks
_SELECTED = PARTS | {DECISION: ["--select", "path:models/intermediate/decision", "--indirect-selection", "cautious"]}
RELEASED = "tierwise.duckdb"  # called marts.duckdb, the engine could not tell the catalog `marts` from the schema

_PARTS_OF_A_CHANGE = {  # of a score: what each step of a change's cause moved it by
    "part_policy": "decimal(18, 4)",
    "part_identity": "decimal(18, 4)",
    "part_corrected_data": "decimal(18, 4)",
    "part_value_model": "decimal(18, 4)",
    "part_own_behaviour": "decimal(18, 4)",
    "part_left_window": "decimal(18, 4)",
    "part_others_moved": "decimal(18, 4)",
}
_RUN = {
    "kind": "varchar",
    "tier": "varchar",
    "since": "date",
    "cause": "varchar",
    "score_before": "decimal(18, 4)",
    **_PARTS_OF_A_CHANGE,
    "line_before": "decimal(18, 4)",
}
_DECISION = {
    "as_of": "date",
    "policy": "varchar",
    "policy_version": "varchar",
    "customer_key": "varchar",
    "tier": "varchar",
    "tier_rank": "bigint",
    "graded": "varchar",
    "reason": "varchar",
    "cause": "varchar",
}
_LAID: dict[str, dict[str, str]] = {
    "tier_decisions": {
        **_DECISION,
        "decision_rows": "varchar",
        "is_limited_by_steps": "boolean",
        "from_tier": "varchar",
        "from_graded": "varchar",
        "is_new": "boolean",
        "changed_from": "date",
        "score": "decimal(18, 4)",
        "score_before": "decimal(18, 4)",
        "line_before": "decimal(18, 4)",
        "line_now": "decimal(18, 4)",
        **_PARTS_OF_A_CHANGE,
    },
    "tier_states": {
        **_DECISION,
        "tier_since": "date",
        "by_override": "boolean",
        "runs": "struct(" + ", ".join(f"{name} {kind}" for name, kind in _RUN.items()) + ")[]",
    },
    "policy_states": {
        "as_of": "date",
        "policy": "varchar",
        "policy_version": "varchar",
        "measure": "varchar",
        "is_scored": "boolean",
        "rank_within": "varchar",
        "after_days": "integer",
        "minimum_coverage": "decimal(18, 4)",
        "then_by_1": "varchar",
        "then_by_2": "varchar",
        "then_by_3": "varchar",
        "settled_on": "date",
    },
    "policy_line_states": {
        "as_of": "date",
        "policy": "varchar",
        "policy_version": "varchar",
        "group_name": "varchar",
        "tier": "varchar",
        "tier_rank": "bigint",
        "position": "bigint",
        "counted_more": "bigint",
        "measure": "varchar",
        "rule_kind": "varchar",
        "condition_kind": "varchar",
        "share": "decimal(18, 10)",
        "bound": "decimal(18, 4)",
        "eligible_customers": "bigint",
        "ranked_customers": "bigint",
        "seats": "bigint",
        "clear_rank": "bigint",
        "miss_rank": "bigint",
        "clear_bound": "decimal(38, 14)",
        "miss_bound": "decimal(38, 14)",
        "line_value": "decimal(18, 4)",
        "reach_value": "decimal(18, 4)",
        "clear_value": "decimal(18, 4)",
        "miss_value": "decimal(18, 4)",
        "at_clear_rank": "decimal(18, 4)[]",
        "behind_clear_rank": "decimal(18, 4)[]",
        "at_miss_rank": "decimal(18, 4)[]",
        "behind_miss_rank": "decimal(18, 4)[]",
    },
    "policy_days": {
        "as_of": "date",
        "policy": "varchar",
        "policy_version": "varchar",
        "policy_status": "varchar",
        "is_primary": "boolean",
    },
    "value_cell_scores": {
        "model_id": "varchar",
        "repeat_purchases": "bigint",
        "age_at_last_purchase_days": "bigint",
        "age_days": "bigint",
        "probability_alive": "decimal(18, 4)",
        "expected_purchases_12m": "decimal(18, 4)",
        "discounted_purchases_12m": "decimal(18, 4)",
    },
}
MODEL_INPUTS = ("model_cards", "model_calibration", "model_margins")  # what there is to say about value models
VALUE_INPUTS = (*MODEL_INPUTS, "value_cell_scores")  # what scoring lays
LOGS = {  # what a run appends for good: input relation, and where the build holds the run's rows
    "tier_decisions": "intermediate.int_tier_decisions__decided where is_change",
    "policy_days": "intermediate.int_policy_days__decided where as_of in (select as_of from inputs.run_days)",
    "month_end_values": "marts.fct_customer_value where is_month_end and as_of in (select as_of from inputs.run_days)",
}
STATES = {  # what the next run starts from, of one day: input relation, and where the build holds it
    "tier_states": "intermediate.int_tier_decisions__decided where reason <> 'left_population'",
    "policy_states": "intermediate.int_policies__in_force where true",
    "policy_line_states": "intermediate.int_policy_lines__drawn where true",
    "customer_values": "intermediate.int_customers__valued where basis = 'day'",
}
_NO_VALUES = (  # columns of fct_customer_value that the narrow row does not have: they come after it
    *("is_prospect", "is_latest", "is_month_end"),
    *("expected_purchases_12m", "probability_alive", "customer_value_12m", "value_margin", "value_margin_of"),
)
_known_projects: dict[tuple[tuple[str, int], ...], Any] = {}
_OUT_OF_MEMORY = "Out of Memory Error"  # as the engine says it where it cannot spill
_DONE = ("success", "pass", "warn")
_dbt_at_work = threading.Lock()  # dbt keeps its adapter and its environment per process


def input_columns(name: str) -> dict[str, str]:
    """The columns and types of an input relation: what it has even while no file holds it yet."""
    name = name.removeprefix("arrived_")
    if name in STREAMS:
        return STREAMS[name].log_columns
    if name == "month_end_values":
        return contract("fct_customer_value")
    if name in ("ops_runs", "ops_deliveries", "ops_quarantine", *MODEL_INPUTS):
        return contract(name)
    if name == "customer_values":
        values = {column: kind for column, kind in contract("fct_customer_value").items() if column not in _NO_VALUES}
        days = ("window_ends_on", "known_on", "first_sale_on", "first_purchased_on", "last_purchased_on")
        return {"basis": "varchar", **values, **dict.fromkeys(days, "date")}
    return {**_LAID, **segments.TABLES}[name]


def contract(mart: str) -> dict[str, str]:
    """A mart's columns and types, as its contract states them."""
    return {column["name"]: column["data_type"] for column in _declared(mart)["columns"]}


@functools.cache
def _declared(mart: str) -> dict[str, Any]:
    import yaml

    path = settings().dbt_project / "models" / "marts" / f"{mart}.yml"
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["models"][0]


def marts() -> list[str]:
    return sorted(p.stem for p in (settings().dbt_project / "models" / "marts").glob("*.sql"))


def lay_inputs(
    build: Path,
    *,
    days: Sequence[date],
    company: Mapping[str, str],
    rules: Mapping[str, Path],
    files: Mapping[str, Sequence[Path]],
    builds_on: date | None = None,
    arrived: Mapping[str, Sequence[Path]] | None = None,
    parent: str | None = None,
    fit_days: Sequence[date] = (),
) -> None:
    """Begin a build file: one view per input over exactly the files listed, empty and typed where there are none.

    `builds_on` is the day of `customer_values`, where the values of whom nothing touched since may be carried on.
    A build that goes on from tables already in the file says what `arrived` since, by stream, and of which release
    their marts are, the `parent`, if they are its; another begins anew. On `fit_days` the value model is fitted.
    """
    import duckdb

    build.parent.mkdir(parents=True, exist_ok=True)
    if arrived is None:
        build.unlink(missing_ok=True)
        arrived = files
    files = {**files, **{f"arrived_{stream}": arrived.get(stream, ()) for stream in STREAMS}}
    with duckdb.connect(str(build), config={"storage_compatibility_version": "latest"}) as d:
        d.execute("drop schema if exists inputs cascade")
        d.execute("create schema inputs")
        d.execute("create table inputs.run_days (as_of date)")
        d.executemany("insert into inputs.run_days values (?)", [(day,) for day in days])
        d.execute("create table inputs.fit_days (as_of date)")
        for day in fit_days:
            d.execute("insert into inputs.fit_days values (?)", [day])
        d.execute(
            "create table inputs.carried_days as select $day::date as as_of where $day is not null", {"day": builds_on}
        )
        d.execute(
            "create table inputs.goes_on_from as select $parent as release_id where $parent is not null",
            {"parent": parent},
        )
        d.execute("create table inputs.company (currency varchar, time_zone varchar, rate_days integer)")
        said = [company[name] for name in ("currency", "time_zone", "rate_days")]
        d.execute("insert into inputs.company values (?, ?, ?)", said)
        for name, path in rules.items():
            d.execute(f"create view inputs.{name} as from read_parquet('{path}')")
        empty = (*VALUE_INPUTS, *(name for name in segments.TABLES if name not in rules))
        for name, paths in {**dict.fromkeys(empty, ()), **files}.items():
            d.execute(_laid(name, paths))


def lay_again(build: Path, files: Mapping[str, Path]) -> None:
    """Put files that were made since in place of inputs laid before."""
    import duckdb

    with duckdb.connect(str(build)) as d:
        for name, path in files.items():
            d.execute(_laid(name, [path]))


def _laid(name: str, paths: Sequence[Path]) -> str:
    return f"create or replace view inputs.{name} as {lake.rows_of(paths, input_columns(name))}"


def write_input(name: str, frame: Any, path: Path) -> Path:
    """Write a small table as the input of that name, in its types; a column that the table lacks is null."""
    import duckdb

    with duckdb.connect() as d:
        if len(frame.columns):
            d.register("frame", frame)
        columns = ", ".join(
            f'cast({column if column in frame.columns else "null"} as {kind}) as "{column}"'
            for column, kind in input_columns(name).items()
        )
        d.execute(f"copy (select {columns} {'from frame' if len(frame.columns) else 'where false'}) to '{path}'")
    return path


def build(build_file: Path, part: str, progress: Progress | None = None) -> None:
    """Run one part of the dbt graph, its contracts and data tests included. Raises OurFailure naming what failed.

    Unit tests hold a model against rows of their own: they say nothing about a night, and run with the other tests.
    Models that wanted the same memory at the same time are built again, one after the other, each by one thread alone;
    then it goes on as before.
    """
    nodes = _dbt(build_file, [*_SELECTED[part], "--exclude-resource-type", "unit_test"], progress)
    while short := [node.node.name for node in nodes.values() if _OUT_OF_MEMORY in (node.message or "")]:
        only = ["--indirect-selection", "empty", "--select"]
        again = _dbt(build_file, ["--threads", "1", *only, *short], progress, engine_threads=1)
        nodes |= again
        left = [node.node.name for node in nodes.values() if node.status not in _DONE]
        if not left or any(node.status not in _DONE for node in again.values()):
            break
        nodes |= _dbt(build_file, [*only, *left], progress)
    if all(node.status in _DONE for node in nodes.values()):
        return
    failed = [
        f"{n.node.name} ({_without_data(n.message)})" for n in nodes.values() if n.status not in (*_DONE, "skipped")
    ]
    raise OurFailure(
        f"dbt found {len(failed)} thing(s) wrong: {'; '.join(failed)[:2000]}", hint=_where_it_is_told(build_file)
    )


def _where_it_is_told(build_file: Path) -> str:
    return f"the old release stays; see {build_file.parent / 'logs' / 'dbt.log'}"


def _dbt(
    build_file: Path, selected: Sequence[str], progress: Progress | None, engine_threads: int | None = None
) -> dict[str, Any]:
    """Run `dbt build` over what is selected. Returns what became of each node, by its id."""
    with _dbt_at_work:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        log = build_file.parent / "logs"
        try:
            parsed = parse(log)
            _tell_dbt(build_file, engine_threads)
            result = dbtRunner(manifest=parsed, callbacks=[_report_to(progress)] if progress else []).invoke(
                ["build", *selected, *_options(log)]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()  # else the build file stays open in this process
    if result.exception is not None:
        raise OurFailure(f"dbt could not run: {result.exception}", hint=_where_it_is_told(build_file))
    return {node.node.unique_id: node for node in result.result}


def _tell_dbt(build_file: Path, engine_threads: int | None = None) -> None:
    """What the engine may take is as set, or what it thinks right on this machine, the container's limit included."""
    import duckdb

    with duckdb.connect() as d:
        memory, threads = d.execute("select current_setting('memory_limit'), current_setting('threads')").fetchall()[0]
    hand_over(
        TIERWISE_BUILD=str(build_file),
        TIERWISE_BUILD_MEMORY=settings().memory or str(memory),
        TIERWISE_BUILD_THREADS=str(engine_threads or threads),
        DO_NOT_TRACK="1",
    )


def _without_data(message: str) -> str:
    """dbt's message; of an error over a row's value only what kind it was, and of a refusal of ours its sentence."""
    refused = re.search(r"Grain broken: .*", message)
    if refused:
        return refused[0]
    return message if not re.search(r"(?i)conversion|out of range|invalid input|constraint", message) else "a bad value"


def parse(log: Path) -> Any:
    """The project as dbt parsed it, once per process and state of its files.

    It is parsed for one and the same build file, which is never opened: for another path dbt would parse it all anew.
    What an invocation compiled into it is taken out again: dbt would take half of it for its own.
    """
    from dbt.cli.main import dbtRunner

    state = _project_state()
    if state not in _known_projects:
        _tell_dbt(settings().var / "dbt" / "build.duckdb")
        result = dbtRunner().invoke(["parse", *_options(log)])
        if not result.success:
            raise OurFailure(f"dbt cannot read the project: {result.exception}", hint="mend dbt_project/ and run again")
        _known_projects.clear()
        _known_projects[state] = result.result
        gc.freeze()  # a hundred thousand objects that stay: collecting rubbish goes through them no more
    for node in _known_projects[state].nodes.values():
        if getattr(node, "extra_ctes_injected", False):
            node.compiled, node.extra_ctes_injected, node.extra_ctes = False, False, []
    return _known_projects[state]


def _project_state() -> tuple[tuple[str, int], ...]:
    files = (p for p in settings().dbt_project.rglob("*") if p.suffix in (".sql", ".yml") and "target" not in p.parts)
    return tuple(sorted((str(p), p.stat().st_mtime_ns) for p in files))


def models_hash() -> str:
    """The hash of the dbt project's files: which models a release was built by."""
    digest = hashlib.sha256()
    for path, _ in _project_state():
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def _options(log: Path) -> list[str]:
    where = settings()
    return [
        *("--project-dir", str(where.dbt_project), "--profiles-dir", str(where.dbt_project)),
        *("--target-path", str(where.var / "dbt" / "target"), "--log-path", str(log)),
        *("--no-use-colors", "--no-write-json", "--log-level", "none", "--log-level-file", "info"),
    ]


def _report_to(progress: Progress) -> Callable[[Any], None]:
    def hear(event: Any) -> None:
        if event.info.name in ("LogModelResult", "LogTestResult"):
            data = event.data
            progress(data.node_info.node_name, data.index, getattr(data, "total", 0) or data.num_models)

    return hear


def query(database: Path, sql: str, parameters: Sequence[object] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Ask a database file, read-only and without a way out to the file system. Returns column names and rows."""
    import duckdb

    with duckdb.connect(str(database.resolve()), read_only=True) as d:
        d.execute("set enable_external_access = false")
        d.execute("set lock_configuration = true")
        d.execute("set schema = 'marts'")
        result = d.execute(sql, list(parameters))
        return [c[0] for c in result.description or []], result.fetchall()


@dataclass(frozen=True)
class Content:
    """What a table holds: its rows, and sums over their hashes that no order of rows or columns can move."""

    rows: int
    low: int
    high: int

    @property
    def hash(self) -> str:
        return hashlib.sha256(f"{self.rows}|{self.low}|{self.high}".encode()).hexdigest()

    def __add__(self, other: Content) -> Content:
        return Content(self.rows + other.rows, self.low + other.low, self.high + other.high)

    def __sub__(self, other: Content) -> Content:
        return Content(self.rows - other.rows, self.low - other.low, self.high - other.high)


@dataclass(frozen=True)
class Fact:
    """A large mart of which a release takes anew only what moved since its parent's day.

    `moved` is the relation of the build that names by `key` what did; `on` is the day by whose months its Parquet
    files are cut.
    """

    moved: str
    key: tuple[str, ...]
    on: str

    def has_moved(self) -> str:
        """The condition, on a connection where the build is attached as `built`."""
        key = ", ".join(self.key)
        return f"({key}) in (select ({key}) from built.{self.moved})"


FACTS = {
    "fct_orders": Fact("intermediate.int_orders__moved", ("source", "order_id"), "ordered_on"),
    "fct_interactions": Fact("intermediate.int_interactions__moved", ("source", "interaction_id"), "occurred_on"),
}


def content_of(database: Path, mart: str) -> Content:
    """What a mart of a release or of a build file holds."""
    import duckdb

    with duckdb.connect(str(database.resolve()), read_only=True) as d:
        return _content(d, f"marts.{mart}")


def contents(folder: Path, build_file: Path, parent: Mapping[str, Content]) -> dict[str, Content]:
    """What each mart of the release in `folder` holds. Of facts that go on from `parent`, by what moved since."""
    with lake.engine(build_file.with_name("spill")) as d:
        d.execute(f"attach '{folder / RELEASED}' as released (read_only)")
        d.execute(f"attach '{build_file}' as built (read_only)")
        before = _attach_parent(d)
        held = {}
        for mart in marts():
            if before is not None and mart in FACTS and mart in parent:
                moved = f"where {FACTS[mart].has_moved()}"
                gone, came = _content(d, f"before.marts.{mart}", moved), _content(d, f"released.marts.{mart}", moved)
                held[mart] = parent[mart] - gone + came
            else:
                held[mart] = _content(d, f"released.marts.{mart}")
        return held


def _content(d: Any, table: str, where: str = "") -> Content:
    columns = sorted(c[0] for c in d.execute(f"describe {table}").fetchall())
    row = "concat_ws(chr(31), " + ", ".join(f"coalesce({c}::varchar, chr(30))" for c in columns) + ")"
    halves = "(hash >> 64)::ubigint", "(hash & 18446744073709551615::uhugeint)::ubigint"  # hashing once takes a third
    sums = ", ".join(f"coalesce(sum({half}), 0)" for half in halves)
    hashed = f"select md5_number({row}) as hash from {table} {where}"
    return Content(*d.execute(f"select count(*), {sums} from ({hashed})").fetchall()[0])


def publish(build_file: Path, folder: Path) -> None:
    """Put the marts into a new read-only database of tables and table macros, and beside it as Parquet.

    Facts that go on from the parent's release begin as a copy of it: only what moved is taken out and put in, only
    months that moved are written, the others linked.
    """
    target, parquet = folder / RELEASED, folder / "parquet"
    parquet.mkdir(parents=True, exist_ok=True)
    with lake.engine(build_file.with_name("spill")) as d:
        d.execute("set preserve_insertion_order = false")
        d.execute(f"attach '{build_file}' as built (read_only)")
        before = _attach_parent(d)
        if before is not None:
            shutil.copyfile(before / RELEASED, target)
        d.execute(f"attach '{target}' as released (storage_version 'v1.2.0')")
        d.execute("create schema if not exists released.marts")
        for mart in marts():
            if mart in FACTS:
                _publish_fact(d, mart, parquet / mart, before / "parquet" / mart if before else None)
            else:
                d.execute(
                    f"create or replace table released.marts.{mart} as select {_columns(mart)} from built.marts.{mart}"
                )
                d.execute(f"copy released.marts.{mart} to '{parquet / mart}.parquet' (compression zstd)")
        d.execute("begin")  # one commit for many small words
        for mart in marts():
            _comment(d, mart)
        d.execute("commit")
        d.execute("use released.marts")
        d.execute(_TIERS_ON)
        d.execute("use memory")
        d.execute("detach released")
    target.chmod(0o444)


def _publish_fact(d: Any, mart: str, folder: Path, before: Path | None) -> None:
    fact, month = FACTS[mart], f"strftime({FACTS[mart].on}, '%Y-%m')"
    if before is None:
        d.execute(f"create or replace table released.marts.{mart} as select {_columns(mart)} from built.marts.{mart}")
        to_write = f"from released.marts.{mart}"
    else:
        moved = f"from built.marts.{mart} where {fact.has_moved()}"
        gone = f"from released.marts.{mart} where {fact.has_moved()}"
        months = d.execute(f"select distinct {month} {gone} union select {month} {moved}").fetchall()
        d.execute(f"delete {gone}")
        d.execute(f"insert into released.marts.{mart} select {_columns(mart)} {moved}")
        to_write = f"from released.marts.{mart} where list_contains({[m for (m,) in months]}::varchar[], {month})"
        for file in before.glob("month=*/*.parquet"):
            if (file.parent.name.removeprefix("month="),) not in months:
                (folder / file.parent.name).mkdir(parents=True, exist_ok=True)
                (folder / file.parent.name / file.name).hardlink_to(file)
    if d.execute(f"select 1 {to_write} limit 1").fetchall():
        partitioned = "format parquet, compression zstd, partition_by (month), overwrite_or_ignore"
        d.execute(f"copy (select {_columns(mart)}, {month} as month {to_write}) to '{folder}' ({partitioned})")


def _attach_parent(d: Any) -> Path | None:
    """Attach the release whose marts the build went on from as `before`. Returns its folder; None where it is not there,
    or somebody opened its file for writing: then all of the new release is written."""
    import duckdb

    for (release_id,) in d.execute("select release_id from built.inputs.goes_on_from").fetchall():
        folder = settings().releases / release_id
        try:
            d.execute(f"attach '{folder / RELEASED}' as before (read_only)")
        except duckdb.IOException:
            return None
        return folder
    return None


def _columns(mart: str) -> str:
    return ", ".join(contract(mart))


_TIERS_ON = """
create or replace macro tiers_on(day) as table
    select policy, customer_key, tier, tier_rank, graded, valid_from, valid_to, reason, cause, policy_version
    from marts.tier_history
    where valid_from <= cast(day as date) and (valid_to is null or valid_to >= cast(day as date))
"""


def _comment(d: Any, mart: str) -> None:
    """Put labels and descriptions where BI tools show them."""
    declared = _declared(mart)

    def words(thing: Mapping[str, Any]) -> str:
        meta = thing["config"]["meta"]
        return f"{meta['label_en']} / {meta['label_zh']}: {thing['description']}".replace("'", "''")

    d.execute(f"comment on table released.marts.{mart} is '{words(declared)}'")
    for column in declared["columns"]:
        d.execute(f"comment on column released.marts.{mart}.{column['name']} is '{words(column)}'")
