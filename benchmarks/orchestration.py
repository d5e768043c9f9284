"""What orchestration adds: the same night by the DAG, every task as Airflow runs it, and by the command."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import duckdb
from benchmarks import company, homes
from benchmarks.company import NIGHT
from benchmarks.frame import Aim, Case, Contestant, Size
from benchmarks.measure import Watch

from tierwise.settings import hand_over

_RESULT = """
    select customer_key, tier, tier_rank, graded, reason, cause, tier_since, score, gap_up, gap_down
    from marts.dim_customer_tiers"""


def case(size: Size) -> Case:
    return Case(
        name="orchestration",
        title="What orchestration adds",
        measures="The night after a first one, on copies of one home: `refresh_customer_tiers` in one process without a"
        " scheduler, Airflow's imports included, its database made before; and `tierwise run`.",
        size=f"{size.lines:,} order lines",
        lay=partial(_lay, size.lines),
        contestants=(
            Contestant("by the DAG", by_the_dag, ready=partial(_ready_for_airflow, size.lines)),
            Contestant("by the command", by_the_command, ready=partial(_ready, size.lines)),
        ),
        aims=(
            Aim("a quarter more", "by the DAG", "by the command", at_most=1.25),
            Aim("peak memory in MiB", "by the DAG", what="peak_mib", at_most=2048),
        ),
        same=(("by the DAG", "by the command"),),
    )


def _lay(lines: int, folder: Path) -> None:
    homes.released(folder.parent, lines)


def _ready(lines: int, folder: Path) -> None:
    company.copy(homes.released(folder.parent, lines), folder / "home")


def _ready_for_airflow(lines: int, folder: Path) -> None:
    _ready(lines, folder)
    company.enter(folder / "home")
    from tierwise.orchestration.environment import airflow_environment, prepare_airflow

    hand_over(**airflow_environment())
    prepare_airflow()


def by_the_dag(folder: Path, watch: Watch) -> Path:
    company.enter(folder / "home")
    with watch:
        from tierwise.orchestration.in_process import run_nights

        run_nights([NIGHT], folder / "airflow.log")
    return _keep(folder, folder / "dag.parquet")


def by_the_command(folder: Path, watch: Watch) -> Path:
    with watch:
        watch.steps = homes.run(folder / "home", NIGHT.isoformat())
    return _keep(folder, folder / "command.parquet")


def _keep(folder: Path, file: Path) -> Path:
    database = folder / "home" / "var" / "release" / "current.duckdb"
    with duckdb.connect(str(database.resolve()), read_only=True) as d:
        d.execute(f"copy ({_RESULT}) to '{file}'")
    return file
