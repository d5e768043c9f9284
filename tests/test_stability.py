"""How steady tiers are is measured by a command of hours; a small seed of it is repeated here, night by night."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_a_small_seed_decides_again_what_was_written_down(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import stability

    written = json.loads((ROOT / "benchmarks" / "results" / "stability_small.json").read_text())
    [expected] = [row for row in written["by_seed"] if row["policy"] == "pyramid"]
    assert expected["changes"] > 0

    [shipped] = [policy for policy in stability.policies() if policy.name == "pyramid"]
    sizes = (expected["seed"], written["customers"], written["nights_counted"])
    [found] = stability.simulate(*sizes, tmp_path, [shipped])
    assert asdict(found) == expected

    last = max(tmp_path.rglob("changes_*.parquet"))
    last.unlink()  # stopped before the last build was finished, it goes on there
    assert stability.simulate(*sizes, tmp_path, [shipped]) == [found]
