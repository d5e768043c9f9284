"""Measure a piece of work in a process of its own: seconds, CPU seconds, peak memory; and say on which machine."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What a piece of work took. `peak_mib` is the largest resident set of its process since that began."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    result: Any


def alone(work: Callable[..., Any], *arguments: object) -> Cost:
    """Run `work(*arguments)` in a fresh process, whose imports count for memory too.

    Raises what the work raised, BrokenProcessPool where its process was killed.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as one:
        return one.submit(_measured, work, arguments).result()


def _measured(work: Callable[..., Any], arguments: tuple[object, ...]) -> Cost:
    began, cpu = time.perf_counter(), time.process_time()
    result = work(*arguments)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(round(seconds, 3), round(used, 3), round(peak, 1), result)


def machine() -> dict[str, Any]:
    """What a reader must know to weigh the numbers."""
    packages = ("duckdb", "dbt-core", "dbt-duckdb")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
