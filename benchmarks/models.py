"""The SQL of our models as dbt compiles it for one build file."""

from __future__ import annotations

from pathlib import Path

from tierwise.settings import hand_over, settings


def compiled(build: Path, *names: str) -> dict[str, str]:
    """Each model's query over everything, in the order of the names."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    where = settings()
    hand_over(TIERWISE_BUILD=str(build), DO_NOT_TRACK="1")
    try:
        result = dbtRunner().invoke(
            [
                *("compile", "--full-refresh", "--select", *names),
                *("--project-dir", str(where.dbt_project), "--profiles-dir", str(where.dbt_project)),
                *("--target-path", str(where.var / "dbt" / "compiled"), "--log-path", str(where.var / "logs")),
                *("--no-write-json", "--log-level", "none", "--log-level-file", "none"),
            ]
        )
    finally:
        DuckDBConnectionManager.close_all_connections()
    if not result.success:
        raise RuntimeError(f"dbt cannot compile {', '.join(names)}: {result.exception}")
    found = {one.node.name: one.node.compiled_code for one in result.result}
    return {name: found[name] for name in names}
