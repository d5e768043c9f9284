"""Nights as Airflow runs them, one after another, against the same days in one backfill."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

NIGHTS = """
from datetime import date
from pathlib import Path
from tierwise.orchestration.in_process import run_nights
run_nights([date(2024, 1, 30), date(2024, 1, 31)], log_file=Path("{log}"))
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
