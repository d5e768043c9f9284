"""The marts that explanations read, laid by hand: columns of the marts, and rows that name only what they show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

_AMOUNT = "decimal(18, 4)"
_PARTS = {
    f"part_{part}": _AMOUNT
    for part in (
        "policy",
        "identity",
        "corrected_data",
        "value_model",
        "own_behaviour",
        "left_window",
        "others_moved",
    )
}
_DECIDED = {
    "as_of": "date",
    "policy": "varchar",
    "policy_version": "varchar",
    "customer_key": "varchar",
}

MARTS: dict[str, dict[str, str]] = {
    "dim_customer_ids": {"source": "varchar", "customer_id": "varchar", "customer_key": "varchar"},
    "rpt_tier_summary": {
        "as_of": "date",
        "policy": "varchar",
        "policy_version": "varchar",
        "tier": "varchar",
        "line_value": _AMOUNT,
    },
    "tier_explanations": {
        **_DECIDED,
        "tier": "varchar",
        "tier_rank": "bigint",
        "graded": "varchar",
        "reason": "varchar",
        "cause": "varchar",
        "decision_rows": "varchar",
        "is_limited_by_steps": "boolean",
        "tier_since": "date",
        "wanted_tier": "varchar",
        "measure": "varchar",
        "score": _AMOUNT,
        "rank_position": "bigint",
        "ranked_customers": "bigint",
        "runner_up_key": "varchar",
        "runner_up_score": _AMOUNT,
        "rule_kind": "varchar",
        "share": "decimal(18, 10)",
        "bound": _AMOUNT,
        "seats": "bigint",
        "line_value": _AMOUNT,
        "keep_value": _AMOUNT,
        "next_tier": "varchar",
        "next_line_value": _AMOUNT,
        "gap_up": _AMOUNT,
        "gap_down": _AMOUNT,
        "reached_tier": "varchar",
        "score_before": _AMOUNT,
        **_PARTS,
        "clearing_tier": "varchar",
        "clearing_since": "date",
        "missing_since": "date",
        "earliest_change_on": "date",
        "next_review_on": "date",
        "first_sale_on": "date",
        "gradable_from": "date",
        "orders_12m": "bigint",
        "purchase_days_12m": "bigint",
        "refunds_12m": "bigint",
        "interactions_12m": "bigint",
        "complaints_12m": "bigint",
        "responses_12m": "bigint",
    },
    "fct_customer_scores": {
        "policy": "varchar",
        "customer_key": "varchar",
        "coverage": _AMOUNT,
        "contribution_score": _AMOUNT,
        "potential_score": _AMOUNT,
        "loyalty_score": _AMOUNT,
        "value_score": _AMOUNT,
    },
    "fct_customer_score_parts": {
        "policy": "varchar",
        "customer_key": "varchar",
        "position": "bigint",
        "dimension": "varchar",
        "measure": "varchar",
        "value": _AMOUNT,
        "scored_by": "varchar",
        "score": _AMOUNT,
        "weight": "decimal(18, 6)",
        "weight_counted": "decimal(18, 6)",
    },
    "tier_history": {
        "policy": "varchar",
        "policy_version": "varchar",
        "customer_key": "varchar",
        "tier": "varchar",
        "tier_rank": "bigint",
        "graded": "varchar",
        "valid_from": "date",
        "valid_to": "date",
        "reason": "varchar",
        "cause": "varchar",
    },
    "fct_tier_changes": {
        **_DECIDED,
        "from_tier": "varchar",
        "to_tier": "varchar",
        "from_graded": "varchar",
        "to_graded": "varchar",
        "reason": "varchar",
        "cause": "varchar",
        "decision_rows": "varchar",
        "is_limited_by_steps": "boolean",
        "changed_from": "date",
        "score_before": _AMOUNT,
        "score": _AMOUNT,
        "line_before": _AMOUNT,
        "line_now": _AMOUNT,
        **_PARTS,
    },
    "rpt_tier_overrides": {
        "policy": "varchar",
        "customer_key": "varchar",
        "tier": "varchar",
        "reason": "varchar",
        "author": "varchar",
        "starts_on": "date",
        "ends_on": "date",
        "known_on": "date",
        "replaced_on": "date",
        "status": "varchar",
        "sent_back_because": "varchar",
    },
    "rpt_tier_waiting_list": {
        "policy": "varchar",
        "customer_key": "varchar",
        "kind": "varchar",
        "wanted_tier": "varchar",
        "place_in_queue": "bigint",
    },
    "fct_customer_value": {
        "as_of": "date",
        "customer_key": "varchar",
        "net_revenue_12m": "decimal(18, 2)",
        "orders_12m": "bigint",
    },
}


def lay(folder: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> Path:
    """A release file with these rows in its marts; a column that a row does not name is null."""
    folder.mkdir(parents=True, exist_ok=True)
    where = folder / "current.duckdb"
    with duckdb.connect(str(where)) as db:
        db.execute("create schema marts")
        for mart, columns in MARTS.items():
            db.execute(f"create table marts.{mart} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        add(db, rows)
    return where


def add(db: duckdb.DuckDBPyConnection, rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """More rows into the marts of a release file."""
    for mart, several in rows.items():
        for row in several:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            db.execute(f"insert into marts.{mart} ({names}) values ({marks})", list(row.values()))
