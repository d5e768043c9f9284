"""One night more against a full refresh, with the same few new rows over ever longer histories; and what Airflow adds."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import duckdb
from benchmarks import company, homes
from benchmarks.company import LINES_A_NIGHT, NIGHT
from benchmarks.frame import Aim, Case, Contestant, Size
from benchmarks.measure import Watch

from tierwise.settings import hand_over

HISTORY = "build history"
# What the day is worth to everybody: the same, however it was reached. Tiers also depend on those held before.
_RESULT = """
    select
        ids.customer_id, value.net_revenue_12m, value.net_revenue_90d, value.orders_12m, value.purchase_days_12m,
        value.tenure_days, value.days_since_last_purchase, value.repeat_purchases, value.average_repeat_amount
    from marts.fct_customer_value as value
    join marts.dim_customer_ids as ids using (customer_key)
    where value.is_latest"""


def case(size: Size) -> Case:
    least, most = size.growth[0], size.growth[-1]
    contestants = []
    for lines in size.growth:
        for name, night in (("new day", new_day), ("full refresh", full_refresh)):
            ready = partial(_ready, night is new_day, lines)
            beside = _called("new day", lines)
            rounds = 1 if night is full_refresh else None
            contestants.append(
                Contestant(_called(name, lines), partial(night, lines), ready, rounds=rounds, beside=beside)
            )
    day, full, by_airflow = (_called(name, most) for name in ("new day", "full refresh", "new day by the DAG"))
    contestants.append(
        Contestant(by_airflow, partial(new_day_by_the_dag, most), partial(_ready_for_airflow, most), beside=day)
    )
    return Case(
        name="new_day",
        title="One new day",
        measures=f"`tierwise run` for the night after a first one, with {LINES_A_NIGHT:,} new lines, against the same"
        " night on a fresh home, where everything is read and computed. The new lines are as many however long the"
        " history is: what grows is not the new day's. By the DAG: `refresh_customer_tiers` in one process without a"
        " scheduler, Airflow's imports included, its database made before.",
        size=" and ".join(f"{lines:,}" for lines in size.growth) + " order lines",
        lay=partial(_lay, size.growth),
        contestants=tuple(contestants),
        aims=(
            Aim("a quarter of a full refresh", day, full, at_most=0.25),
            Aim("its history step: a tenth", day, full, HISTORY, at_most=0.10),
            Aim(
                f"its history step over {most // least} times the history: at most twice as long",
                day,
                _called("new day", least),
                HISTORY,
                at_most=2,
            ),
            Aim("peak memory in MiB", day, what="peak_mib", at_most=2048),
            Aim("orchestration: a quarter more", by_airflow, day, at_most=1.25),
            Aim("peak memory in MiB, by the DAG", by_airflow, what="peak_mib", at_most=2048),
        ),
        same=(
            *((_called("new day", lines), _called("full refresh", lines)) for lines in size.growth[:-1]),
            (day, full, by_airflow),
        ),
    )


def _called(name: str, lines: int) -> str:
    return f"{name}, {lines:,} lines"


def _lay(growth: tuple[int, ...], folder: Path) -> None:
    for lines in growth:
        homes.released(folder.parent, lines)


def _ready(is_filled: bool, lines: int, folder: Path) -> None:
    company.copy((homes.released if is_filled else homes.delivered)(folder.parent, lines), folder / "home")
    if not is_filled:
        company.deliver_night(folder / "home", lines)


def _ready_for_airflow(lines: int, folder: Path) -> None:
    _ready(True, lines, folder)
    company.enter(folder / "home")
    from tierwise.orchestration.environment import airflow_environment, prepare_airflow

    hand_over(**airflow_environment())
    prepare_airflow()


def new_day(lines: int, folder: Path, watch: Watch) -> Path:
    with watch:
        watch.steps = homes.run(folder / "home", NIGHT.isoformat())
    return _keep(folder, f"new_{lines}.parquet")


def full_refresh(lines: int, folder: Path, watch: Watch) -> Path:
    with watch:
        watch.steps = homes.run(folder / "home", NIGHT.isoformat())
    return _keep(folder, f"full_{lines}.parquet")


def new_day_by_the_dag(lines: int, folder: Path, watch: Watch) -> Path:
    company.enter(folder / "home")
    with watch:
        from tierwise.orchestration.in_process import run_nights

        run_nights([NIGHT], folder / "airflow.log")
    return _keep(folder, f"by_the_dag_{lines}.parquet")


def _keep(folder: Path, name: str) -> Path:
    database = folder / "home" / "var" / "release" / "current.duckdb"
    with duckdb.connect(str(database.resolve()), read_only=True) as d:
        d.execute(f"copy ({_RESULT}) to '{folder / name}'")
    return folder / name
