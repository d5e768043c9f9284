"""The judgements of the dbt models, each a dbt unit test named after it, on a build file that holds no row."""

from __future__ import annotations

from datetime import date

from tierwise import warehouse


def test_every_judgement_of_the_models_holds(lay, monkeypatch):
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    build = lay(date(2024, 12, 31))
    for part in warehouse.PARTS:
        warehouse.build(build, part)
    monkeypatch.setenv("TIERWISE_BUILD", str(build))
    log = build.parent / "logs"
    parsed = warehouse.parse(log)
    try:
        ran = dbtRunner(manifest=parsed).invoke(["test", "--select", "test_type:unit", *warehouse._options(log)])
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert ran.exception is None, ran.exception
    failed = [f"{r.node.name}: {r.message}" for r in ran.result if r.status != "pass"]
    assert not failed, "\n".join(failed)
    assert len(ran.result) >= 55
