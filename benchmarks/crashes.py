"""What a night survives: kill -9 and SIGSTOP at random moments, while somebody reads 50 times a second.

Each case has a home of its own with one night behind it, and runs the next one in a forked process: kill ends its whole
group, then the night is run again to its end; stop halts it, lets a successor run the same night, and lets it go on.
Everybody who read must have seen one whole release, and what is there in the end must be what an undisturbed night
leaves. A build that writes where readers look must be found out by the same eyes.

    python -m benchmarks.crashes                                     # 200 kills, 50 stops; goes on where it stopped
    python -m benchmarks.crashes --kills 5 --stops 3 --results FILE
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import company, homes, measure
from benchmarks.company import NIGHT

from tierwise.settings import PROJECT, settings

LINES = 2_000
ROOM = PROJECT / "var" / "benchmarks" / "crashes"
LAST_STEP_BEFORE_PUBLISHING = "build proposals"
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
    return Night(round(seconds, 2), list(found["seen"]), *measure.forked(_left, home))


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
    moment = _moment(seed, 0, 1.05 * night.seconds)
    with reading(home) as found:
        process = begin(home, home / "disturbed.txt")
        time.sleep(moment)
        os.killpg(process, signal.SIGKILL)
        answered = wait(process)
        again = wait(begin(home, home / "again.txt"))
    harm = [f"the night run again answered {again}"] if again else []
    harm += measure.forked(_harm, home, night, found)
    return Case("kill", seed, moment, _behind(home / "disturbed.txt"), answered, found["reads"], harm)


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
        while _behind(said) != LAST_STEP_BEFORE_PUBLISHING and not _has_ended(process):
            time.sleep(0.01)
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
    done = re.findall(r"✓ (.+?)\s+[\d.]+ s", said.read_text()) if said.exists() else []
    return done[-1] if done else ""


def _end(said: Path) -> str:
    return " ".join(said.read_text().split())[-300:]


# --- all of them ------------------------------------------------------------------------------------------------------


def run(
    kind: Callable[[int, Path, Night], Case], seeds: range, room: Path, say: Callable[[str], None] = print
) -> list[Case]:
    """Go through the cases of a kind; one that was written down already is not done again."""
    homes.warm(room)
    released = measure.forked(homes.released, room, LINES)
    night = _undisturbed(room, released)
    cases = []
    for seed in seeds:
        file = room / f"{kind.__name__}_{seed:03}.json"
        if not file.exists():
            home = room / f"{kind.__name__}_{seed:03}"
            company.copy(released, home)
            case = kind(seed, home, night)
            file.write_text(json.dumps(asdict(case)))
            say(
                f"{case.kind} {seed}: at {case.moment} s, behind {case.ended_behind or 'nothing'}; {case.harm or 'no harm'}"
            )
            shutil.rmtree(home)
        cases.append(Case(**json.loads(file.read_text())))
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
    asked.add_argument("--stops", type=int, default=50)
    asked.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "crashes.json")
    said = asked.parse_args()
    room = ROOM / measure.code()  # other code begins anew
    found = {
        kind.__name__: run(kind, range(1, cases + 1), room)
        for kind, cases in ((without_guard, 3), (kill, said.kills), (stop, said.stops))
    }
    harmed = [case for kind in ("kill", "stop") for case in found[kind] if case.harm]
    missed = [case for case in found["without_guard"] if not case.harm]
    result = {
        "commit": measure.commit(),
        "code": measure.code(),
        "machine": measure.machine(),
        "undisturbed_seconds": _undisturbed(room, Path()).seconds,
        "harmed": len(harmed),
        "without_guard_not_found_out": len(missed),
        "cases": [asdict(case) for of_kind in found.values() for case in of_kind],
    }
    said.results.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(found['kill'])} kills, {len(found['stop'])} stops: {len(harmed)} did harm.")
    return 1 if harmed or missed else 0


if __name__ == "__main__":
    sys.exit(main())
