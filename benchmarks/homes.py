"""Homes of the made-up company at the points where measures begin: each made once, by the code that is measured, and
then only copied."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from io import StringIO
from pathlib import Path

from benchmarks import company, measure
from benchmarks.company import LAST_DAY

from tierwise.settings import settings

# `tierwise run` tells each step with its seconds: "  ✓ build history   12.3 s"
_DONE = re.compile(r"✓ (.+?)\s+([\d.]+) s")


def delivered(room: Path, lines: int) -> Path:
    """Everything lies in the inbox; nothing was ever run."""
    return _made(room / "homes" / f"{lines}_delivered", lambda home: company.lay(home, lines))


def accepted(room: Path, lines: int) -> Path:
    """The first night, behind the door in. Its run's id stands in the file `run`."""

    def make(home: Path) -> None:
        company.copy(delivered(room, lines), home)
        company.enter(home)
        from tierwise import accept, conform, landing, policy, release
        from tierwise.sources import description

        run_id = release.begin([LAST_DAY])
        policy.adopt(run_id)
        for source in description.load_sources():
            for stream in source.streams:
                landing.land(run_id, source.name, stream)
        conform.conform(run_id)
        accept.accept(run_id)
        (home / "run").write_text(run_id)

    return _made(room / "homes" / f"{lines}_accepted", make)


def released(room: Path, lines: int) -> Path:
    """The morning after the first night, and the next night's orders have arrived."""

    def make(home: Path) -> None:
        company.copy(delivered(room, lines), home)
        run(home, LAST_DAY.isoformat())
        company.deliver_night(home, lines)

    return _made(room / "homes" / f"{lines}_released", make)


def warm(room: Path) -> None:
    """Import and read what a night needs, once: in a fork it begins at once, as under a scheduler that keeps workers."""
    import great_expectations  # noqa: F401

    from tierwise import accept, cli, conform, landing, quality, release, warehouse  # noqa: F401

    company.enter(room / "warm")
    warehouse.parse(room / "warm" / "logs")


def run(home: Path, as_of: str) -> dict[str, float]:
    """`tierwise run` in this process. Returns the seconds of its steps, as it tells them."""
    return _told(home, "run", "--as-of", as_of)


def backfill(home: Path, first: str, last: str) -> dict[str, float]:
    """`tierwise backfill` in this process. Returns the seconds of its steps, as it tells them."""
    return _told(home, "backfill", "--from", first, "--to", last)


def _told(home: Path, *command: str) -> dict[str, float]:
    company.enter(home)
    from tierwise import cli

    said = StringIO()
    with redirect_stdout(StringIO()), redirect_stderr(said):
        code = cli.main(list(command))
    if code:
        raise RuntimeError(f"tierwise {' '.join(command)} answered {code}: {said.getvalue()}")
    return steps(said.getvalue())


def steps(told: str) -> dict[str, float]:
    """The steps that a run told as done, in order, with their seconds."""
    return {step: float(seconds) for step, seconds in _DONE.findall(told)}


def marts(home: Path) -> dict[str, dict[str, int]]:
    """What the marts of the current release hold, `ops_*` apart."""
    company.enter(home)
    from tierwise import control, warehouse

    database = settings().releases / str(control.pointer().release_id) / warehouse.RELEASED
    return {m: asdict(warehouse.content_of(database, m)) for m in warehouse.marts() if not m.startswith("ops_")}


def _made(home: Path, make: Callable[[Path], None]) -> Path:
    mark, code = home / ".made", measure.code()
    if not mark.exists() or mark.read_text() != code:
        shutil.rmtree(home, ignore_errors=True)
        make(home)
        mark.write_text(code)
    return home
