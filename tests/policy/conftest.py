"""A company of its own for each test: pounds sterling, London days, and the shipped mart catalogue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tierwise import control
from tierwise.manifest import Manifest, ReleaseManifest, Standing
from tierwise.settings import settings

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


@pytest.fixture
def decided(home: Path) -> Callable[[date, dict[str, str]], None]:
    """Make a release of a day on which these versions decided, as the parent of the next run."""

    def decide(day: date, versions: dict[str, str]) -> None:
        run = control.begin_run(
            f"{day}-decided", "night", [day], control.pointer().release_id, control.pointer().counter
        )
        with control.committing(run, frozenset()) as (c, release_id, number):
            control.record_release(c, run, release_id, number, "0" * 64)
        standing = Standing(last_decided=day, policy_versions=versions)
        empty = Manifest("0", "0", (day,), run.parent_release_id, {}, {}, {}, Standing())
        folder = settings().releases / release_id
        folder.mkdir(parents=True)
        ReleaseManifest(empty, ends_with=standing, last_day_starts_from=Standing()).write(folder)

    return decide
