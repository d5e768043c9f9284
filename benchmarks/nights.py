"""Nights of a made-up company through the compiled decision: values in, decisions out, state handed on between builds."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb

from tierwise import warehouse
from tierwise.policy import rules
from tierwise.policy.rules import Policy
from tierwise.warehouse import Progress

# What stands beside the narrow rows: attributes and what people decided, of which a made-up company has none.
_EMPTY = {
    "int_customers__described": {
        "as_of": "date",
        "customer_key": "varchar",
        "subject_type": "varchar",
        "industry": "varchar",
        "region": "varchar",
        "company_size": "varchar",
        "channel": "varchar",
    },
    "int_tier_overrides__judged": {
        "policy": "varchar",
        "customer_key": "varchar",
        "tier": "varchar",
        "starts_on": "date",
        "ends_on": "date",
        "known_on": "date",
        "replaced_on": "date",
        "sent_back_because": "varchar",
    },
    "int_existing_tiers__judged": {
        "policy": "varchar",
        "customer_key": "varchar",
        "tier": "varchar",
        "known_on": "date",
        "replaced_on": "date",
        "sent_back_because": "varchar",
    },
}


def decide(
    folder: Path,
    days: Sequence[date],
    policies: Sequence[Policy],
    values: str,
    state: Mapping[str, Path],
    progress: Progress | None = None,
) -> Path:
    """Decide `days` for the customers of `values`, a query of narrow rows of those days (columns left out are null).

    `state` is what `hand_over` of the days before returned, empty on the first night. Returns the build file; the
    decisions stand in `intermediate.int_tier_decisions__decided`.
    """
    build = lay(folder, days, policies, values, state)
    warehouse.build(build, warehouse.DECISION, progress)
    return build


def lay(folder: Path, days: Sequence[date], policies: Sequence[Policy], values: str, state: Mapping[str, Path]) -> Path:
    """The build file of `decide` with all that is decided on, and no decision yet."""
    shutil.rmtree(folder / "inputs", ignore_errors=True)
    rules.write_rule_tables([(day, policy) for policy in policies for day in days], folder / "inputs")
    build = folder / "build.duckdb"
    laid = {name: folder / "inputs" / f"{name}.parquet" for name in rules.TABLES}
    files = {name: [state[name]] if name in state else [] for name in warehouse.STATES}
    logs: dict[str, list[Path]] = {"tier_decisions": [], "policy_days": []}
    company = {"currency": "CNY", "time_zone": "Asia/Shanghai", "rate_days": "10"}
    warehouse.lay_inputs(build, days=days, company=company, rules=laid, files=files | logs)
    with duckdb.connect(str(build)) as d:
        d.execute("create schema intermediate")
        for table, columns in _EMPTY.items():
            d.execute(f"create table intermediate.{table} ({_typed(columns)})")
        d.execute(
            f"create table intermediate.int_customers__valued ({_typed(warehouse.input_columns('customer_values'))})"
        )
        d.execute(f"insert into intermediate.int_customers__valued by name {values}")
        d.execute("insert into intermediate.int_customers__valued by name from inputs.customer_values")
    return build


def hand_over(build: Path, day: date, folder: Path) -> dict[str, Path]:
    """Write the state of `day` for the next nights, as a release keeps it."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {name: folder / f"{name}.parquet" for name in warehouse.STATES}
    with duckdb.connect(str(build), read_only=True) as d:
        for name, held in warehouse.STATES.items():
            columns = ", ".join(warehouse.input_columns(name))
            d.execute(f"copy (select {columns} from {held} and as_of = date '{day}') to '{written[name]}'")
    return written


def _typed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())
