"""Accepted rows → tiers, and the whole first night, against a typical notebook in pandas on the same files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import duckdb
from benchmarks import company, homes, peers
from benchmarks.company import LAST_DAY
from benchmarks.frame import Aim, Case, Contestant, Size
from benchmarks.measure import Watch

# Who is graded, by what, and how: what the notebook finds too.
_RESULT = """
    select ids.customer_id, (value.net_revenue_12m * 100)::bigint as revenue_cents, tiers.tier
    from marts.dim_customer_tiers as tiers
    join marts.dim_customer_ids as ids using (customer_key)
    join marts.fct_customer_value as value using (customer_key)
    where tiers.policy = 'pyramid' and tiers.graded = 'graded' and value.is_latest"""


# As dbt's log says of a model or test that is done: "1 of 9 OK created sql table model marts.dim ... [OK in 0.12s]"
_DONE = re.compile(r" (?:model|PASS) (\S+) \.+ .*in ([\d.]+)s\]")
_DEAREST = 15


def case(size: Size) -> Case:
    return Case(
        name="refresh",
        title="Accepted rows to proposals, and the whole refresh",
        measures="Both parts of the warehouse (all models, contracts and data tests) from the accepted log, and"
        " `tierwise run` on a fresh home with everything from landing to release, imports included. The notebook reads"
        " the same delivered files: recency, purchase days, orders and revenue of the last 365 days per customer, tiers"
        " by cut of the rank. No check of the data, no refund netted, no history, no decision with state, nothing"
        " written but one table.",
        size=f"{size.lines:,} order lines",
        lay=_Lay(size.lines),
        contestants=(
            Contestant("accepted to proposals", accepted_to_proposals, ready=_ready_accepted),
            Contestant("whole refresh", whole_refresh, ready=_ready_delivered, rounds=1),
            Contestant("notebook (pandas)", notebook, needs="pyarrow"),
        ),
        aims=(
            Aim(
                "accepted to proposals: ten times faster than the notebook",
                "notebook (pandas)",
                "accepted to proposals",
                at_least=10,
            ),
            Aim("whole refresh: four times faster than the notebook", "notebook (pandas)", "whole refresh", at_least=4),
            Aim("peak memory in MiB, accepted to proposals", "accepted to proposals", what="peak_mib", at_most=2048),
            Aim("peak memory in MiB, whole refresh", "whole refresh", what="peak_mib", at_most=2048),
        ),
        same=(("accepted to proposals", "whole refresh", "notebook (pandas)"),),
    )


class _Lay:
    def __init__(self, lines: int) -> None:
        self.lines = lines

    def __call__(self, folder: Path) -> None:
        for name, made in (("delivered", homes.delivered), ("accepted", homes.accepted)):
            (folder / name).symlink_to(made(folder.parent, self.lines))


def _ready_accepted(folder: Path) -> None:
    company.copy((folder / "accepted").resolve(), folder / "home")


def _ready_delivered(folder: Path) -> None:
    company.copy((folder / "delivered").resolve(), folder / "home")


def accepted_to_proposals(folder: Path, watch: Watch) -> Path:
    company.enter(folder / "home")
    from tierwise import control, release

    run = control.run((folder / "home" / "run").read_text())
    with watch:
        release.build(run.run_id, "history")
        release.score(run.run_id)
        release.build(run.run_id, "proposals")
    watch.steps = _dearest((run.work / "logs" / "dbt.log").read_text())
    return _keep(run.work / "build.duckdb", folder / "proposals.parquet")


def _dearest(log: str) -> dict[str, float]:
    """The seconds of the models and tests that took longest, and of all others together; two run at a time."""
    took: Counter[str] = Counter()
    for name, seconds in _DONE.findall(log):
        took[f"`{name.rpartition('.')[2].rstrip('_')}`"] += float(seconds)
    dearest = dict(took.most_common(_DEAREST))
    return {**dearest, f"{len(took) - len(dearest)} other models and tests": took.total() - sum(dearest.values())}


def whole_refresh(folder: Path, watch: Watch) -> Path:
    with watch:
        watch.steps = homes.run(folder / "home", LAST_DAY.isoformat())
    return _keep(folder / "home" / "var" / "release" / "current.duckdb", folder / "released.parquet")


def _keep(database: Path, file: Path) -> Path:
    with duckdb.connect(str(database.resolve()), read_only=True) as d:
        d.execute(f"copy ({_RESULT}) to '{file}'")
    return file


def notebook(folder: Path, watch: Watch) -> Path:
    with watch:
        peers.load("pyarrow")
        import pandas as pd

        today = pd.Timestamp(LAST_DAY)
        orders = pd.concat(
            pd.read_parquet(file) for file in sorted((folder / "delivered/inbox/orders").glob("*.parquet"))
        )
        orders["amount"] = orders["amount"].astype(float)
        orders = orders[~((orders["kind"] == "sale") & (orders["amount"] < 0))]
        orders["day"] = orders["ordered_at"].dt.normalize()
        sales = orders[orders["kind"] == "sale"].groupby("customer_id")
        customers = sales.agg(first_day=("day", "min"), last_day=("day", "max"))
        last_year = orders[orders["day"] > today - pd.Timedelta(days=365)]
        by_customer = last_year.groupby("customer_id")
        customers["orders"] = by_customer["order_id"].nunique()
        customers["purchase_days"] = last_year[["customer_id", "day"]].drop_duplicates().groupby("customer_id").size()
        customers["revenue"] = by_customer["amount"].sum().round(2)
        customers["revenue"] = customers["revenue"].fillna(0)
        customers["recency_days"] = (today - customers["last_day"]).dt.days
        graded = customers[customers["first_day"] <= today - pd.Timedelta(days=90)].copy()
        place = graded["revenue"].rank(ascending=False, method="max") / (graded["revenue"] > 0).sum()
        names = ["vip", "key", "regular", "small"]
        graded["tier"] = pd.cut(place, [0, 0.01, 0.05, 0.20, float("inf")], labels=names).astype(str)
        graded["revenue_cents"] = (graded["revenue"] * 100).round().astype("int64")
        graded.reset_index().to_parquet(folder / "graded.parquet")
    graded.reset_index()[["customer_id", "revenue_cents", "tier"]].to_parquet(folder / "notebook.parquet")
    return folder / "notebook.parquet"
