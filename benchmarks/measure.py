"""Measure a piece of work in a process of its own: seconds, CPU seconds, peak memory; and say on which machine."""

from __future__ import annotations

import hashlib
import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tierwise.settings import PROJECT

LOG = PROJECT / "var" / "benchmarks" / "log.txt"  # what the processes print


class Watch:
    """Runs while what is measured runs: `with watch: ...`. What stands outside of that costs nothing."""

    def __init__(self) -> None:
        self.seconds = self.cpu_seconds = 0.0
        self.steps: dict[str, float] = {}

    def __enter__(self) -> None:
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._began
        self.cpu_seconds += time.process_time() - self._cpu


@dataclass(frozen=True)
class Cost:
    """What a piece of work took, and what it returned. `peak_mib` is the largest resident set of its process since that
    began, imports included; `load` how many processes of the machine wanted a core when it ended."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    load: float
    steps: dict[str, float] = field(default_factory=dict)
    result: Any = None


def alone(work: Callable[..., Any], *arguments: object) -> Any:
    """Return `work(*arguments)`, done in a fresh process. Raises what it raised, BrokenProcessPool where it was killed."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_to_the_log) as one:
        return one.submit(work, *arguments).result()


def forked(work: Callable[..., Any], *arguments: object) -> Any:
    """Return `work(*arguments)`, done in a fork of this process, which for that never opens an engine itself."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as one:
        return one.submit(work, *arguments).result()


def _to_the_log() -> None:
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def measured(work: Callable[[Watch], Any]) -> Cost:
    """What `work` cost in a fresh process while the watch it is given was running."""
    cost: Cost = alone(_watched, work)
    return cost


def _watched(work: Callable[[Watch], Any]) -> Cost:
    watch = Watch()
    result = work(watch)
    return Cost(
        seconds=round(watch.seconds, 3),
        cpu_seconds=round(watch.cpu_seconds, 3),
        peak_mib=round(max(_peak_kib(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024, 1),
        load=round(os.getloadavg()[0], 2),
        steps=watch.steps,
        result=result,
    )


def _peak_kib() -> int:
    """Of this program alone: `ru_maxrss` begins with what the process that started it had at that moment."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def machine() -> dict[str, Any]:
    """What a reader must know to weigh the numbers."""
    packages = ("duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "apache-airflow", "pandas")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def commit() -> str:
    """The commit that is checked out."""
    told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True)
    return told.stdout.strip()


def code() -> str:
    """A hash of what is measured: the package, the dbt project, the suites and the benchmarks themselves."""
    digest = hashlib.sha256()
    for folder in ("plugins", "dbt_project", "expectations", "benchmarks"):
        for file in sorted((PROJECT / folder).rglob("*")):
            if file.suffix in (".py", ".sql", ".yml") and "target" not in file.parts:
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
