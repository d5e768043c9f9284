"""Nights as Airflow runs them, one after another, against the same days in one backfill."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

NIGHTS = """
from datetime import date
from pathlib import Path
from tierwise.orchestration.in_process import run_nights
run_nights([date(2024, 1, 30), date(2024, 1, 31)], log_file=Path("{log}"))
"""


RETIRED = """
import os
from tierwise.orchestration.environment import airflow_environment
os.environ.update(airflow_environment())
from tierwise.orchestration import retention
raise SystemExit(retention.main())
"""


def _marts(company) -> dict[str, dict[str, object]]:
    manifest = json.loads((company.home / "var" / "release" / "current" / "manifest.json").read_text())
    return {mart: held for mart, held in manifest["marts"].items() if not mart.startswith("ops_")}


@pytest.mark.slow
def test_nights_through_airflow_are_what_a_backfill_of_the_same_days_is(make_company, tmp_path):
    nights = make_company()
    for day in ("30", "31"):
        amounts = {"ann": "10.00", "bob": f"{day}.00"}
        rows = [(f"o{day}{who}", 1, who, f"2024-01-{day} 09:00", paid, None) for who, paid in amounts.items()]
        nights.deliver(f"orders_2024-01-{day}.csv", rows)
    at_once = nights.copy_to(tmp_path / "at_once")
    environment = {**os.environ, "TIERWISE_HOME": str(nights.home)}
    script = NIGHTS.format(log=nights.home / "airflow.log")
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    at_once.backfill("2024-01-30", "2024-01-31")
    assert _marts(nights) == _marts(at_once)
    assert _marts(nights)["dim_customer_tiers"]["rows"] == 4
    _hold_retention(nights, environment)


def _hold_retention(company, environment):
    """Of two nights one was long ago: Airflow forgets it and its log, and nothing of ours."""
    before = _marts(company)
    logs = company.home / "var" / "logs" / "airflow"
    old, new = logs / "dag_id=old" / "attempt=1.log", logs / "dag_id=new" / "attempt=1.log"
    for log in (old, new):
        log.parent.mkdir(parents=True)
        log.write_text("told")
    os.utime(old, (0, 0))
    with closing(sqlite3.connect(company.home / "var" / "airflow" / "airflow.db")) as airflow, airflow:
        ((first,), (second,)) = airflow.execute("select id from dag_run order by start_date").fetchall()
        airflow.execute("update dag_run set start_date = '2001-01-01 00:00:00.000000' where id = ?", [first])
    ran = subprocess.run([sys.executable, "-c", RETIRED], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with closing(sqlite3.connect(company.home / "var" / "airflow" / "airflow.db")) as airflow:
        assert airflow.execute("select id from dag_run").fetchall() == [(second,)]
        assert airflow.execute("select count(*) from task_instance where run_id like '%2024-01-30%'").fetchone() == (0,)
        archived = "select count(*) from sqlite_master where name like '%_airflow_deleted_%'"
        assert airflow.execute(archived).fetchone() == (0,)
    assert (old.parent.exists(), new.exists()) == (False, True)
    assert _marts(company) == before
