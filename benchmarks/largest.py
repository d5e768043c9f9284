"""A company far larger than this machine's memory: the whole first night gets to its end, and spills."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks import company, homes
from benchmarks.company import LAST_DAY
from benchmarks.frame import Aim, Case, Contestant, Size
from benchmarks.measure import Watch


def case(size: Size) -> Case:
    return Case(
        name="largest",
        title="A company that does not fit into memory",
        measures="`tierwise run` on a fresh home, from landing to release, imports included. Nobody is compared"
        " with: what is asked is whether it gets to its end.",
        size=f"{size.most_lines:,} order lines",
        lay=partial(_lay, size.most_lines),
        contestants=(Contestant("whole refresh", whole_refresh, ready=partial(_ready, size.most_lines), rounds=1),),
        aims=(Aim("peak memory in MiB", "whole refresh", what="peak_mib", at_most=6144),),
        engine_memory="4 GiB",
    )


def _lay(lines: int, folder: Path) -> None:
    homes.delivered(folder.parent, lines)


def _ready(lines: int, folder: Path) -> None:
    company.copy(homes.delivered(folder.parent, lines), folder / "home")


def whole_refresh(folder: Path, watch: Watch) -> None:
    with watch:
        watch.steps = homes.run(folder / "home", LAST_DAY.isoformat())
