"""What a measure is: the same work done by us and by peers, in turn, each time in a fresh process, and what we promise.

Every run is written down as it is done, so that a measure of hours goes on where it stopped.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
from benchmarks import measure, peers
from benchmarks.measure import Watch

from tierwise.settings import PROJECT, hand_over, settings

Work = Callable[[Path, Watch], Path | None]  # in the case's folder; returns the result there as Parquet, to be compared
ROOM = PROJECT / "var" / "benchmarks"  # everything but the results; may be deleted


@dataclass(frozen=True)
class Size:
    """How large a measure is taken, and where its results stand."""

    name: str
    lines: int
    growth: tuple[int, ...]  # numbers of lines of one and the same night
    customers: int
    most_customers: int
    most_lines: int
    rounds: int
    results: Path

    @property
    def room(self) -> Path:
        return ROOM / self.name


BENCHMARKS = PROJECT / "benchmarks"
BIG = Size("big", 10_000_000, (1_000_000, 3_000_000, 10_000_000), 1_000_000, 10_000_000, 100_000_000, 3, BENCHMARKS)
SMALL = Size("small", 20_000, (20_000,), 10_000, 10_000, 20_000, 1, ROOM / "small")


@dataclass(frozen=True)
class Contestant:
    """One way to do the work. `ready` is done before each round, in a process of its own that nobody measures."""

    name: str
    work: Work
    ready: Callable[[Path], None] | None = None
    needs: str | None = None  # a package of requirements-peers.txt
    rounds: int | None = None  # where once is enough, or all that anybody has the patience for
    beside: str | None = None  # whom its ratio is told against; by default the first, which is ours


@dataclass(frozen=True)
class Aim:
    """A promise in numbers: something of one contestant, as it is or as a share of the same of another one.

    `what` is `seconds`, `peak_mib`, or the name of a step.
    """

    promise: str
    of: str
    against: str | None = None
    what: str = "seconds"
    at_most: float | None = None
    at_least: float | None = None

    def found(self, samples: dict[str, list[dict[str, Any]]]) -> float | None:
        """The median over the rounds; of memory the most. None where somebody did not get there."""
        of = values(samples.get(self.of, []), self.what)
        if self.against is None:
            return (max(of) if self.what == "peak_mib" else median(of)) if of else None
        against = values(samples.get(self.against, []), self.what)
        if not of or not against:
            return None
        if len(of) == len(against):  # runs of one round stood next to each other
            return median(one / other if other else float("inf") for one, other in zip(of, against, strict=True))
        return median(of) / median(against)

    def is_met(self, found: float | None) -> bool:
        if found is None:
            return False
        return found <= self.at_most if self.at_most is not None else found >= (self.at_least or 0)


@dataclass(frozen=True)
class Case:
    """A measure. `lay` makes what all start from, once. The first contestant is ours; `same` are those whose results
    must be the same rows, by name."""

    name: str
    title: str
    measures: str
    size: str
    lay: Callable[[Path], None]
    contestants: tuple[Contestant, ...]
    aims: tuple[Aim, ...]
    same: tuple[tuple[str, ...], ...] = ()
    engine_memory: str = "1 GiB"  # what the engine may take, ours and by hand


def engine(file: Path) -> duckdb.DuckDBPyConnection:
    """A new database file, under the limit that a build has."""
    file.unlink(missing_ok=True)
    d = duckdb.connect(str(file))
    d.execute(f"set memory_limit = '{settings().memory}'")
    d.execute("set preserve_insertion_order = false")
    return d


def rows_of(file: Path) -> int:
    with duckdb.connect() as d:
        return int(d.execute(f"select count(*) from '{file}'").fetchall()[0][0])


def run(case: Case, size: Size, say: Callable[[str], None]) -> None:
    """Measure what is not measured yet, everybody in turn, round by round. Each run is written down as it is done.

    Who fails is named in the result. Raises AssertionError where two who should find the same did not. A measure begun
    with other code begins anew.
    """
    hand_over(TIERWISE_MEMORY=case.engine_memory)
    folder, code = size.room / case.name, measure.code()
    held = read(case, size)
    if held is None or (held["code"] != code and not _is_done(case, size, held)):
        held = {"samples": {}, "absent": {}}
    samples, absent = held["samples"], held["absent"]
    for contestant in case.contestants:
        reason = peers.missing(contestant.needs) if contestant.needs else None
        if reason:
            absent[contestant.name] = reason
    for contestant in _turns(case, size, samples, absent):
        _lay(case, folder, code, say)
        try:
            if contestant.ready:
                measure.alone(contestant.ready, folder)
            cost = measure.measured(partial(contestant.work, folder))
        except Exception as why:  # noqa: BLE001  one that fails stops no other
            was_killed = isinstance(why, BrokenProcessPool)
            reason = "was killed, for want of memory as a rule" if was_killed else f"failed ({type(why).__name__})"
            absent[contestant.name] = reason
            say(f"{case.name}: {contestant.name} {reason}: {why}")
        else:
            say(f"{case.name}: {contestant.name} {cost.seconds:.2f} s, {cost.peak_mib:,.0f} MiB")
            sample = {**asdict(cost), "result": cost.result.name if cost.result else None}
            samples.setdefault(contestant.name, []).append(sample)
            _compare(case, folder, contestant.name, samples)
        _write(case, size, {"code": code, "samples": samples, "absent": absent})
    shutil.rmtree(folder, ignore_errors=True)


def _turns(
    case: Case, size: Size, samples: dict[str, list[dict[str, Any]]], absent: dict[str, str]
) -> Iterator[Contestant]:
    for turn in range(size.rounds):
        for contestant in case.contestants:
            is_due = turn < (contestant.rounds or size.rounds) and len(samples.get(contestant.name, [])) <= turn
            if is_due and contestant.name not in absent:
                yield contestant


def _is_done(case: Case, size: Size, held: dict[str, Any]) -> bool:
    return not any(_turns(case, size, held["samples"], held["absent"]))


def _lay(case: Case, folder: Path, code: str, say: Callable[[str], None]) -> None:
    mark = folder / "laid"
    if not mark.exists() or mark.read_text() != code:
        say(f"{case.name}: laying what all start from")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        measure.alone(case.lay, folder)
        mark.write_text(code)


def _write(case: Case, size: Size, held: dict[str, Any]) -> None:
    told = {
        "title": case.title,
        "measures": case.measures,
        "size": case.size,
        "measured_on": time.strftime("%Y-%m-%d"),
        "engine_memory": case.engine_memory,
        "machine": measure.machine() | peers.versions(),
        "aims": [
            {**{k: v for k, v in asdict(aim).items() if v is not None}, "found": found, "is_met": aim.is_met(found)}
            for aim, found in ((aim, aim.found(held["samples"])) for aim in case.aims)
        ],
        **held,
    }
    file = _file(case.name, size)
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".writing")
    aside.write_text(json.dumps(told, indent=1) + "\n")
    aside.replace(file)


def _compare(case: Case, folder: Path, name: str, samples: dict[str, list[dict[str, Any]]]) -> None:
    together = [one for group in case.same if name in group for one in group if one != name and one in samples]
    for other in together[:1]:
        found, expected = (folder / samples[one][-1]["result"] for one in (name, other))
        hold_same(found, expected, f"{case.name}, {name}", other)


def hold_same(found: Path, expected: Path, name: str, other: str) -> None:
    """A race against somebody who computes something else is worth nothing. Raises AssertionError."""
    with duckdb.connect() as d:
        columns = ", ".join(row[0] for row in d.execute(f"describe from '{found}'").fetchall())
        one, two = f"select {columns} from '{found}'", f"select {columns} from '{expected}'"
        rows, differences = d.execute(
            f"select (select count(*) from ({one})),"
            f" (select count(*) from (({one} except all {two}) union all ({two} except all {one})))"
        ).fetchall()[0]
    if differences or not rows:
        raise AssertionError(f"of {rows} rows of {name}, {differences} differ from those of {other}")


def values(samples: Sequence[dict[str, Any]], what: str) -> list[float]:
    """One number a run: `seconds`, `cpu_seconds`, `peak_mib`, or the seconds of a step."""
    return [float(sample[what] if what in sample else sample["steps"][what]) for sample in samples]


def read(case: Case, size: Size) -> dict[str, Any] | None:
    """What was measured of a case so far."""
    file = _file(case.name, size)
    return json.loads(file.read_text()) if file.exists() else None


def forget(name: str, size: Size) -> None:
    """Throw away what was measured under a name, so that it is measured anew."""
    _file(name, size).unlink(missing_ok=True)
    shutil.rmtree(size.room / name, ignore_errors=True)


def _file(name: str, size: Size) -> Path:
    return size.results / "results" / f"{name}.json"
