"""What a night survives: kill -9 and SIGSTOP at random moments, while somebody reads 50 times a second.

Each case has a home of its own with one night behind it, and runs the next one in a forked process: kill ends its whole
group, then the night is run again to its end; stop halts it, lets a successor run the same night, and lets it go on.
Everybody who read must have seen one whole release, and what is there in the end must be what an undisturbed night
leaves. A build that writes where readers look must be found out by the same eyes.

Every case names the commit it was run on. Those that the results hold are not run again: it goes on where it stopped.

    python -m benchmarks.crashes                                     # 200 kills, 50 more while publishing, 50 stops
    python -m benchmarks.crashes --kills 5 --stops 3 --results FILE
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import company, homes, measure
from benchmarks.company import NIGHT

from tierwise.settings import PROJECT, settings

LINES = 2_000
ROOM = PROJECT / "var" / "benchmarks" / "crashes"
RESULTS = PROJECT / "benchmarks" / "results" / "crashes.json"
LAST_STEP_BEFORE_PUBLISHING = "build proposals"
PUBLISHING = ("hold at the door out", "release")
PATIENCE = 300  # seconds for a night undisturbed

READER = """
import json, sys, time
from pathlib import Path
import duckdb
link, stop, told = map(Path, sys.argv[1:])
ask = '''select md5(concat_ws('|',
    (select string_agg(distinct as_of::varchar, ',') from marts.dim_customers),
    (select string_agg(distinct as_of::varchar, ',') from marts.dim_customer_tiers),
    (select concat_ws('|', count(*), sum(net_amount), max(known_on)) from marts.fct_orders),
    (select concat_ws('|', count(*), sum(net_revenue_12m)) from marts.fct_customer_value),
    (select count(*) from marts.tier_history), (select sum(customers) from marts.rpt_tier_summary)))'''
reads, seen, failed = 0, {}, {}
while True:
    last, began = stop.exists(), time.monotonic()
    try:
        with duckdb.connect(str(link.resolve()), read_only=True) as d:
            whole = d.execute(ask).fetchone()[0]
        seen[whole] = seen.get(whole, 0) + 1
    except Exception as problem:
        failed[type(problem).__name__] = failed.get(type(problem).__name__, 0) + 1
    reads += 1
    if last:
        break
    time.sleep(max(0, 0.02 - (time.monotonic() - began)))
told.write_text(json.dumps([reads, seen, failed]))
"""


@dataclass(frozen=True)
class Night:
    """What an undisturbed night takes and leaves."""

    seconds: float
    publishing: float  # seconds of what follows the builds
    wholes: list[str]  # what a reader may see: the release before, and this one
    marts: dict[str, dict[str, int]]
    log: dict[str, list[int]]  # by stream: files and rows of the accepted log


@dataclass(frozen=True)
class Case:
    """One night that was disturbed. Nothing in `harm` is what we promise."""

    kind: str
    seed: int
    moment: float
    ended_behind: str  # the last step that the disturbed run had told as done
    answered: int | None  # its exit code; None where it was killed
    reads: int
    harm: list[str] = field(default_factory=list)
    commit: str = field(default_factory=measure.commit)


# --- a night in a process of its own ----------------------------------------------------------------------------------


def begin(home: Path, said: Path, guard: Callable[[], None] = lambda: None) -> int:
    """Fork a process, leader of its own group, that runs the night. `guard` is done in it first."""
    process = os.fork()
    if process:
        with suppress(PermissionError, ProcessLookupError):  # whoever comes second of the two
            os.setpgid(process, process)
        return process
    code = 70
    try:
        os.setpgid(0, 0)
        company.enter(home)
        from tierwise import cli

        with said.open("w", buffering=1) as told, redirect_stdout(told), redirect_stderr(told):
            guard()
            code = cli.main(["run", "--as-of", NIGHT.isoformat()])
    finally:
        os._exit(code)


def wait(process: int) -> int | None:
    """Its exit code; None where a signal ended it. Raises TimeoutError if it does not end."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    raise TimeoutError(f"the night did not end within {PATIENCE} s")


@contextmanager
def reading(home: Path) -> Iterator[dict[str, Any]]:
    """Somebody who reads all the while; how often and what stands in the dictionary afterwards."""
    stop, told = home / "stop", home / "told.json"
    stop.unlink(missing_ok=True)
    link = home / "var" / "release" / "current.duckdb"
    reader = subprocess.Popen([sys.executable, "-c", READER, str(link), str(stop), str(told)])
    found: dict[str, Any] = {}
    try:
        yield found
    finally:
        stop.touch()
        reader.wait(PATIENCE)
        found["reads"], found["seen"], found["failed"] = json.loads(told.read_text())


# --- what is there in the end -----------------------------------------------------------------------------------------


def undisturbed(home: Path, said: Path) -> Night:
    """Run the night as it is meant to be."""
    began = time.monotonic()
    with reading(home) as found:
        code = wait(begin(home, said))
    seconds = time.monotonic() - began
    if code or found["failed"]:
        raise RuntimeError(f"the undisturbed night answered {code}, its reader {found['failed']}: {said.read_text()}")
    publishing = sum(seconds for step, seconds in homes.steps(said.read_text()).items() if step in PUBLISHING)
    return Night(round(seconds, 2), round(publishing, 2), list(found["seen"]), *measure.forked(_left, home))


def _left(home: Path) -> tuple[dict[str, dict[str, int]], dict[str, list[int]]]:
    """Content of the marts of the current release, and size of the accepted log by stream."""
    marts = homes.marts(home)
    from tierwise import control

    log: dict[str, list[int]] = {}
    for delivery in control.deliveries(status="accepted"):
        files, rows = log.get(delivery.stream, [0, 0])
        log[delivery.stream] = [files + 1, rows + _rows(settings().var / str(delivery.accepted_file))]
    return marts, log


def _rows(file: Path) -> int:
    import duckdb

    with duckdb.connect() as d:
        return int(d.execute(f"select count(*) from '{file}'").fetchall()[0][0])


def _harm(home: Path, night: Night, found: dict[str, Any]) -> list[str]:
    """In words, whatever is not as an undisturbed night and its reader would have it."""
    harm = [f"{count} reads failed ({kind})" for kind, count in found["failed"].items()]
    mixed = sum(count for whole, count in found["seen"].items() if whole not in night.wholes)
    harm += [f"{mixed} reads saw no whole release"] if mixed else []
    try:
        marts, log = _left(home)
    except Exception as problem:  # noqa: BLE001  whatever cannot be read was harmed
        return [*harm, f"what is left cannot be read ({type(problem).__name__})"]
    harm += [f"{mart} differs" for mart, content in night.marts.items() if marts.get(mart) != content]
    harm += [
        f"the log of {stream} holds {log.get(stream)}, not {size}"
        for stream, size in night.log.items()
        if log.get(stream) != size
    ]
    return harm + _orphans()


def _orphans() -> list[str]:
    """Files that no row names and the sweep of the next night leaves."""
    from tierwise import control, lake

    lake.sweep()
    where, deliveries = settings(), control.deliveries()
    named = {d.accepted_file for d in deliveries} | {d.quarantine_file for d in deliveries}
    lying = [
        str(f.relative_to(where.var)) for area in ("accepted", "quarantine") for f in (where.lake / area).glob("*/*")
    ]
    work = [str(f.relative_to(where.var)) for f in where.work.glob("*") if f.is_dir()]
    return [f"{file} is named by no row" for file in lying if file not in named] + [f"{file} was left" for file in work]


# --- the cases --------------------------------------------------------------------------------------------------------


def kill(seed: int, home: Path, night: Night) -> Case:
    """End the night with kill -9, at a random moment, and run it again."""
    return _killed("kill", seed, home, night, _moment(seed, 0, 1.05 * night.seconds))


def kill_publishing(seed: int, home: Path, night: Night) -> Case:
    """The same, at a random moment while the release is laid aside, held against the door out and committed."""
    return _killed(
        "kill_publishing", seed, home, night, _moment(seed, 0, 1.2 * night.publishing), LAST_STEP_BEFORE_PUBLISHING
    )


def _killed(kind: str, seed: int, home: Path, night: Night, moment: float, behind: str = "") -> Case:
    said = home / "disturbed.txt"
    with reading(home) as found:
        process = begin(home, said)
        _wait_for(behind, said, process)
        time.sleep(moment)
        os.killpg(process, signal.SIGKILL)
        answered = wait(process)
        again = wait(begin(home, home / "again.txt"))
    harm = [f"the night run again answered {again}"] if again else []
    harm += measure.forked(_harm, home, night, found)
    return Case(kind, seed, moment, _behind(said), answered, found["reads"], harm)


def stop(seed: int, home: Path, night: Night) -> Case:
    """Halt the night at a random moment, let a successor run it, and let the halted one go on."""
    moment = _moment(seed, 0, night.seconds)
    said = home / "disturbed.txt"
    with reading(home) as found:
        process = begin(home, said)
        time.sleep(moment)
        os.killpg(process, signal.SIGSTOP)
        behind = _behind(said)
        successor = wait(begin(home, home / "again.txt"))
        os.killpg(process, signal.SIGCONT)
        answered = wait(process)
    harm = [f"its successor answered {successor}"] if successor else []
    harm += [] if answered == 0 or _was_told(answered, said) else [f"it answered {answered}: {_end(said)}"]
    harm += measure.forked(_harm, home, night, found)
    harm += measure.forked(_releases_beside, home, 1 + (answered == 0))
    return Case("stop", seed, moment, behind, answered, found["reads"], harm)


def without_guard(seed: int, home: Path, night: Night) -> Case:
    """End a night that builds where readers look. Harm is what must come out here."""
    said = home / "disturbed.txt"
    with reading(home) as found:
        process = begin(home, said, _build_where_readers_look)
        _wait_for(LAST_STEP_BEFORE_PUBLISHING, said, process)
        moment = _moment(seed, 0.05, 0.3)
        time.sleep(moment)
        os.killpg(process, signal.SIGKILL)
        answered = wait(process)
        wait(begin(home, home / "again.txt"))
    harm = measure.forked(_harm, home, night, found)
    return Case("without_guard", seed, moment, _behind(said), answered, found["reads"], harm)


def _build_where_readers_look() -> None:
    from tierwise import release, warehouse

    publish = warehouse.publish

    def in_place(build_file: Path, folder: Path) -> None:
        link = settings().releases / "current"
        link.unlink()
        link.symlink_to(folder.relative_to(link.parent))
        publish(build_file, folder)

    release.warehouse.publish = in_place  # type: ignore[attr-defined]


def _moment(seed: int, least: float, most: float) -> float:
    return round(random.Random(seed).uniform(least, most), 2)  # noqa: S311  no secret


def _wait_for(step: str, said: Path, process: int) -> None:
    """Until a step is told as done, or the night ended; at once where none is named."""
    while step and _behind(said) != step and not _has_ended(process):
        time.sleep(0.01)


def _has_ended(process: int) -> bool:
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _was_told(answered: int | None, said: Path) -> bool:
    return answered == 75 and "was faster" in " ".join(said.read_text().split())


def _releases_beside(home: Path, expected: int) -> list[str]:
    company.enter(home)
    from tierwise import control

    found = [release.release_id for release in control.releases() if release.as_of == NIGHT]
    return [] if len(found) == expected else [f"{expected} said that they released, and there are {', '.join(found)}"]


def _behind(said: Path) -> str:
    """The last step told as done."""
    return next(reversed(homes.steps(said.read_text())), "") if said.exists() else ""


def _end(said: Path) -> str:
    return " ".join(said.read_text().split())[-300:]


Kind = Callable[[int, Path, Night], Case]

# --- all of them ------------------------------------------------------------------------------------------------------


def run(kind: Kind, seeds: Iterable[int], room: Path, then: Callable[[Case], None] = print) -> list[Case]:
    """Go through cases of a kind; `then` is told of each."""
    homes.warm(room)
    released = measure.forked(homes.released, room, LINES)
    night = _undisturbed(room, released)
    cases = []
    for seed in seeds:
        home = room / f"{kind.__name__}_{seed:03}"
        company.copy(released, home)
        cases.append(kind(seed, home, night))
        shutil.rmtree(home)
        then(cases[-1])
    return cases


def _undisturbed(room: Path, released: Path) -> Night:
    file = room / "undisturbed.json"
    if not file.exists():
        home = room / "home"
        company.copy(released, home)
        file.write_text(json.dumps(asdict(undisturbed(home, home / "said.txt"))))
    return Night(**json.loads(file.read_text()))


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--stops", type=int, default=50, help="as many kills while publishing")
    asked.add_argument("--results", type=Path, default=RESULTS)
    said = asked.parse_args()
    wanted = ((without_guard, 3), (kill, said.kills), (kill_publishing, said.stops), (stop, said.stops))
    cases = read(said.results)

    def write_down(case: Case) -> None:
        cases.append(case)
        held = {"machine": measure.machine(), "cases": [asdict(one) for one in cases]}
        said.results.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n")
        behind = case.ended_behind or "nothing"
        print(f"{case.kind} {case.seed}: at {case.moment} s, behind {behind}; {case.harm or 'no harm'}", flush=True)

    for kind, count in wanted:
        done = {case.seed for case in cases if case.kind == kind.__name__}
        left = [seed for seed in range(1, count + 1) if seed not in done]
        if left:
            run(kind, left, ROOM / measure.code(), write_down)
    harmed = [case for case in cases if case.kind != without_guard.__name__ and case.harm]
    missed = [case for case in cases if case.kind == without_guard.__name__ and not case.harm]
    print(f"{len(cases)} nights disturbed: {len(harmed)} did harm. Without the guard not found out: {len(missed)}.")
    return 1 if harmed or missed else 0


def read(results: Path) -> list[Case]:
    """The cases that were run before."""
    return [Case(**case) for case in json.loads(results.read_text())["cases"]] if results.exists() else []


if __name__ == "__main__":
    sys.exit(main())
