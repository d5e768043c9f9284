"""Thirty nights in a row, across the end of a month, are what one backfill of the same days gives."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_thirty_nights_across_a_month_end_are_one_backfill(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import year

    ran = year.run(tmp_path, nights=30, first=8)
    assert (ran.nights[0].as_of, ran.nights[-1].as_of, len(ran.nights)) == ("2025-07-08", "2025-08-06", 30)
    assert ran.differing == []
    assert all(night.cpu_seconds > 1 and "build history" in night.steps for night in ran.nights)
