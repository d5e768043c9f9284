"""A company of its own for each test: pounds sterling, London days, and the shipped mart catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

COMPANY = "name: Test Company\ncurrency: GBP\ntime_zone: Europe/London\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    monkeypatch.delenv("TIERWISE_CONTROL_URL", raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "company.yml").write_text(COMPANY, encoding="utf-8")
    return tmp_path


@pytest.fixture
def policy_file(home: Path) -> Path:
    return home / "config" / "tier_policies.yml"
