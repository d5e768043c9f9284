"""The benchmarks work: everybody gets to the end and finds the same. How long that takes is nobody's business here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SMALL = ROOT / "var" / "benchmarks" / "small"
MEASURES = {"purchase_history", "refresh", "new_day", "door_in", "decision_cost", "value_model", "largest"}


@pytest.mark.slow
def test_every_measure_runs_and_whoever_is_compared_finds_the_same():
    committed = {
        file: file.read_bytes() for file in (ROOT / "benchmarks").rglob("*") if file.suffix in (".json", ".md")
    }
    shutil.rmtree(SMALL, ignore_errors=True)
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--size", "small"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    measured = {file.stem: json.loads(file.read_text()) for file in (SMALL / "results").glob("*.json")}
    assert set(measured) == MEASURES
    assert [held["absent"] for held in measured.values() if held["absent"]] == []
    assert all(aim["found"] is not None for held in measured.values() for aim in held["aims"])
    page = (SMALL / "RESULTS.md").read_text()
    assert [held["title"] for held in measured.values() if f"\n## {held['title']}\n" not in page] == []
    assert {file: file.read_bytes() for file in committed} == committed


def test_who_finds_something_else_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    import duckdb
    from benchmarks import frame

    with duckdb.connect() as d:
        d.execute(f"copy (select 1 as customer, 5 as cents) to '{tmp_path / 'ours.parquet'}'")
        d.execute(f"copy (select 1 as customer, 6 as cents) to '{tmp_path / 'other.parquet'}'")
    with pytest.raises(AssertionError, match="of 1 rows of peer, 2 differ from those of ours"):
        frame.hold_same(tmp_path / "other.parquet", tmp_path / "ours.parquet", "peer", "ours")
