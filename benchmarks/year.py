"""A year of nights on a small company: what each costs, and whether they come to what one backfill of the year gives.

python -m benchmarks.year                                # 365 nights; goes on where it stopped
python -m benchmarks.year --nights 32 --results FILE
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import company, homes, measure
from benchmarks.company import LAST_DAY

from tierwise.settings import PROJECT

LINES = 20_000  # of three years
LINES_A_NIGHT = 50
MONTH = 30
RESULT = PROJECT / "benchmarks" / "results" / "year.json"


@dataclass(frozen=True)
class Night:
    """What a night took, in a process that had everything imported."""

    as_of: str
    seconds: float
    cpu_seconds: float
    steps: dict[str, float]


@dataclass(frozen=True)
class Year:
    """`differing` names the marts that the nights left otherwise than the backfill did."""

    nights: list[Night]
    backfill_seconds: float
    differing: list[str]

    def month(self, number: int) -> list[Night]:
        """The nights of a month of thirty, counted from 0; the last from -1."""
        months = [self.nights[first : first + MONTH] for first in range(0, len(self.nights) - MONTH + 1, MONTH)]
        return months[number] if months else self.nights

    def growth(self) -> float:
        """The median night of the last month over that of the first, in CPU seconds: a year of nights takes an hour, and
        the machine may have been busy in one month of it and not in another."""
        last, first = ([night.cpu_seconds for night in self.month(number)] for number in (-1, 0))
        return round(median(last) / median(first), 2)


def run(room: Path, nights: int, first: int = 1) -> Year:
    """Run what is not run yet, in homes under `room`: so many nights from the `first` after the backlog on."""
    homes.warm(room)
    begun = measure.forked(homes.released, room, LINES)
    by_night, at_once = room / "nights", room / "at_once"
    done = room / "nights.jsonl"
    if not done.exists():
        company.copy(begun, by_night)
        measure.forked(_without_a_night, by_night)
        done.touch()
    ran = [Night(**json.loads(line)) for line in done.read_text().splitlines()]
    for number in range(first + len(ran), first + nights):
        measure.forked(company.deliver_night, by_night, LINES, number, LINES_A_NIGHT)
        as_of = (LAST_DAY + timedelta(days=number)).isoformat()
        began, cpu = time.perf_counter(), _cpu_of_children()
        steps = measure.forked(homes.run, by_night, as_of)
        seconds, cpu_seconds = time.perf_counter() - began, _cpu_of_children() - cpu
        ran.append(Night(as_of, round(seconds, 2), round(cpu_seconds, 2), steps))
        with done.open("a") as file:
            file.write(json.dumps(asdict(ran[-1])) + "\n")
    company.copy(begun, at_once)
    measure.forked(_without_a_night, at_once)
    for number in range(first, first + nights):
        measure.forked(company.deliver_night, at_once, LINES, number, LINES_A_NIGHT)
    began = time.perf_counter()
    measure.forked(homes.backfill, at_once, ran[0].as_of, ran[nights - 1].as_of)
    seconds = round(time.perf_counter() - began, 2)
    left, expected = (measure.forked(homes.marts, home) for home in (by_night, at_once))
    return Year(ran[:nights], seconds, [mart for mart, content in expected.items() if left[mart] != content])


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _without_a_night(home: Path) -> None:
    """Take out of the inbox the night that was delivered for others."""
    (home / "inbox" / "orders" / f"orders_{company.NIGHT}.parquet").unlink()


def measured(nights: int, results: Path, say: Callable[[str], None]) -> bool:
    """Run it all for the code that lies here, and write it down. Returns whether nothing differs."""
    year = run(PROJECT / "var" / "benchmarks" / "year" / measure.code(), nights)  # other code begins anew
    told = {
        "code": measure.code(),
        "commit": measure.commit(),
        "measured_on": time.strftime("%Y-%m-%d"),
        "machine": measure.machine(),
        "lines_before": LINES,
        "lines_a_night": LINES_A_NIGHT,
        "growth": year.growth(),
        **asdict(year),
    }
    results.write_text(json.dumps(told, indent=1) + "\n")
    say(f"{nights} nights; the last month's cost {year.growth()} times the first month's.")
    say(f"Other than by one backfill: {', '.join(year.differing) or 'nothing'}.")
    return not year.differing


def read(results: Path = RESULT) -> dict[str, Any] | None:
    """What was measured, if it was."""
    return json.loads(results.read_text()) if results.exists() else None


def months(told: dict[str, Any]) -> list[tuple[str, list[Night]]]:
    """The measured nights by months of thirty, each named by its first and last night."""
    nights = [Night(**night) for night in told["nights"]]
    parts = [nights[first : first + MONTH] for first in range(0, len(nights), MONTH)]
    return [(f"{part[0].as_of} to {part[-1].as_of}", part) for part in parts]


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--nights", type=int, default=365)
    asked.add_argument("--results", type=Path, default=RESULT)
    said = asked.parse_args()
    return 0 if measured(said.nights, said.results, print) else 1


if __name__ == "__main__":
    sys.exit(main())
