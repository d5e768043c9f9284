"""Order lines → what every customer bought when: our two models against one scan, SQL by hand, polars and pandas."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
from benchmarks import company, frame, homes, models, peers
from benchmarks.company import LAST_DAY
from benchmarks.frame import Aim, Case, Contestant, Size
from benchmarks.measure import Watch

DAYS, HISTORIES = "int_customer_days__netted", "int_purchase_histories__summarised"
_LINES = "build.intermediate.int_order_lines__valued"
_READ = (
    "customer_key, source, order_id, kind, is_counted, original_order_id, ordered_on, net_amount, known_on, replaced_on"
)
_RESULT = """
    select
        customer_key, first_purchased_on, last_purchased_on,
        purchase_days_12m::bigint as purchase_days_12m,
        repeat_purchases::bigint as repeat_purchases,
        age_at_last_purchase_days::bigint as age_at_last_purchase_days,
        age_days::bigint as age_days,
        days_since_last_purchase::bigint as days_since_last_purchase,
        (average_repeat_amount * 100)::bigint as average_repeat_cents
    from histories"""


def case(size: Size) -> Case:
    return Case(
        name="purchase_history",
        title="Orders to purchase histories",
        measures="Several orders of a day are one purchase, and a refund is netted on its order's day: first, last and"
        " number of purchases, their age, and what a repeated one came to, exactly rounded. The compiled SQL of"
        f" `{DAYS}` and `{HISTORIES}` over the table of valued lines; SQL and the scan read the same table, polars"
        " and pandas the same columns as Parquet, with money in whole cents.",
        size=f"{size.lines:,} order lines",
        lay=_Lay(size.lines),
        contestants=(
            Contestant("ours", ours),
            Contestant("one scan", one_scan),
            Contestant("SQL by hand", sql_by_hand),
            Contestant("polars", in_polars, needs="polars"),
            Contestant("pandas", in_pandas, needs="pyarrow", rounds=1),
        ),
        aims=(
            Aim("as much as four scans of the same columns", "ours", "one scan", at_most=4),
            Aim("ahead of polars", "ours", "polars", at_most=1),
            Aim("peak memory in MiB", "ours", what="peak_mib", at_most=2048),
        ),
        same=(("ours", "SQL by hand", "polars", "pandas"),),
    )


class _Lay:
    """Everything up to the table of lines, built by dbt; and the same lines as Parquet for who reads no table."""

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def __call__(self, folder: Path) -> None:
        home = folder / "home"
        company.copy(homes.accepted(folder.parent, self.lines), home)
        company.enter(home)
        from tierwise import control, release

        run_id = (home / "run").read_text()
        release.build(run_id, "history")
        build = control.run(run_id).work / "build.duckdb"
        for name, sql in models.compiled(build, DAYS, HISTORIES).items():
            (folder / f"{name}.sql").write_text(sql.replace(f'"build"."intermediate"."{DAYS}"', DAYS))
        build.rename(folder / "build.duckdb")
        with _opened(folder, "export") as d:
            cents = _READ.replace("net_amount", "(net_amount * 100)::bigint as net_cents")
            d.execute(f"copy (select {cents} from {_LINES}) to '{folder / 'lines.parquet'}'")
        shutil.rmtree(home)


def _opened(folder: Path, name: str) -> duckdb.DuckDBPyConnection:
    d = frame.engine(folder / f"{name}.duckdb")
    d.execute(f"attach '{folder / 'build.duckdb'}' as build (read_only)")
    return d


def ours(folder: Path, watch: Watch) -> Path:
    with _opened(folder, "ours") as d:
        with watch:
            for name in (DAYS, HISTORIES):
                d.execute(f"create table {name} as {(folder / f'{name}.sql').read_text()}")
        d.execute(f"copy ({_RESULT.replace('from histories', f'from {HISTORIES}')}) to '{folder / 'ours.parquet'}'")
    return folder / "ours.parquet"


def one_scan(folder: Path, watch: Watch) -> None:
    read = ", ".join(f"bit_xor(hash({column.strip()}))" for column in _READ.split(","))  # no statistics answer that
    with _opened(folder, "scan") as d, watch:
        d.execute(f"select {read} from {_LINES}").fetchall()


def sql_by_hand(folder: Path, watch: Watch) -> Path:
    with _opened(folder, "by_hand") as d:
        with watch:
            d.execute(f"create table histories as {_BY_HAND}")
        d.execute(f"copy ({_RESULT}) to '{folder / 'by_hand.parquet'}'")
    return folder / "by_hand.parquet"


_DAY = f"date '{LAST_DAY}'"
_STANDS = f"known_on <= {_DAY} and ordered_on <= {_DAY} and coalesce(replaced_on, date '9999-12-31') > {_DAY}"
_BY_HAND = f"""
    with
    standing as not materialized (
        from {_LINES} where {_STANDS}
    ),
    undone as (
        select source, original_order_id as order_id from standing
        where kind <> 'sale' and original_order_id is not null
    ),
    originals as (
        select source, order_id, min(ordered_on) as ordered_on
        from standing semi join undone using (source, order_id)
        where kind = 'sale'
        group by all
    ),
    days as (
        select
            lines.customer_key, coalesce(originals.ordered_on, lines.ordered_on) as day,
            sum(lines.net_amount) as net_amount
        from standing as lines
        left join originals
            on originals.source = lines.source
            and originals.order_id = case when lines.kind <> 'sale' then lines.original_order_id end
        where lines.is_counted
        group by all
        having sum(lines.net_amount) > 0
    ),
    summed as (
        select
            customer_key, min(day) as first, max(day) as last, count(*) as n,
            count(*) filter (day > {_DAY} - 365) as n_12m,
            ((sum(net_amount) - arg_min(net_amount, day)) * 100)::bigint as cents,
            cents // (n - 1) as whole,
            2 * (cents % (n - 1)) as twice_left
        from days
        group by customer_key
    )
    select
        customer_key,
        first as first_purchased_on,
        last as last_purchased_on,
        n_12m as purchase_days_12m,
        n - 1 as repeat_purchases,
        last - first as age_at_last_purchase_days,
        {_DAY} - first as age_days,
        {_DAY} - last as days_since_last_purchase,
        case
            when n > 1
                then (whole + (twice_left > n - 1 or (twice_left = n - 1 and whole % 2 = 1))::bigint)::decimal(18, 2) / 100
        end as average_repeat_amount
    from summed"""


def in_polars(folder: Path, watch: Watch) -> Path:
    pl = peers.load("polars")
    day = pl.lit(LAST_DAY)
    with watch:
        lines = pl.scan_parquet(folder / "lines.parquet").filter(
            pl.col("known_on") <= day,
            pl.col("ordered_on") <= day,
            pl.col("replaced_on").is_null() | (pl.col("replaced_on") > day),
        )
        refunds = lines.filter(pl.col("kind") != "sale").select("source", pl.col("original_order_id").alias("order_id"))
        originals = (
            lines.filter(pl.col("kind") == "sale")
            .join(refunds.drop_nulls().unique(), on=["source", "order_id"], how="semi")
            .group_by("source", "order_id")
            .agg(pl.col("ordered_on").min().alias("original_on"))
        )
        undone = pl.when(pl.col("kind") != "sale").then(pl.col("original_order_id"))
        days = (
            lines.filter(pl.col("is_counted"))
            .with_columns(undone.alias("undone_id"))
            .join(originals, left_on=["source", "undone_id"], right_on=["source", "order_id"], how="left")
            .group_by("customer_key", pl.coalesce("original_on", "ordered_on").alias("day"))
            .agg(pl.col("net_cents").sum())
            .filter(pl.col("net_cents") > 0)
        )
        cents, repeats = pl.col("cents"), pl.col("n") - 1
        whole, twice_left = cents // repeats, 2 * (cents % repeats)
        odd_tie = (twice_left == repeats) & (whole % 2 == 1)
        histories = (
            days.group_by("customer_key")
            .agg(
                pl.col("day").min().alias("first_purchased_on"),
                pl.col("day").max().alias("last_purchased_on"),
                pl.len().cast(pl.Int64).alias("n"),
                (pl.col("day") > day.dt.offset_by("-365d")).sum().cast(pl.Int64).alias("purchase_days_12m"),
                (pl.col("net_cents").sum() - pl.col("net_cents").sort_by("day").first()).alias("cents"),
            )
            .select(
                "customer_key",
                "first_purchased_on",
                "last_purchased_on",
                "purchase_days_12m",
                repeats.alias("repeat_purchases"),
                (pl.col("last_purchased_on") - pl.col("first_purchased_on"))
                .dt.total_days()
                .alias("age_at_last_purchase_days"),
                (day - pl.col("first_purchased_on")).dt.total_days().alias("age_days"),
                (day - pl.col("last_purchased_on")).dt.total_days().alias("days_since_last_purchase"),
                pl.when(repeats > 0)
                .then(whole + ((twice_left > repeats) | odd_tie).cast(pl.Int64))
                .alias("average_repeat_cents"),
            )
            .collect(engine="streaming")
        )
    histories.write_parquet(folder / "polars.parquet")
    return folder / "polars.parquet"


def in_pandas(folder: Path, watch: Watch) -> Path:
    peers.load("pyarrow")
    import numpy as np
    import pandas as pd

    day = pd.Timestamp(LAST_DAY)
    with watch:
        lines = pd.read_parquet(folder / "lines.parquet")
        for column in ("ordered_on", "known_on", "replaced_on"):
            lines[column] = pd.to_datetime(lines[column])
        replaced = lines["replaced_on"].notna() & (lines["replaced_on"] <= day)
        lines = lines[(lines["known_on"] <= day) & (lines["ordered_on"] <= day) & ~replaced]
        refunds = lines.loc[lines["kind"] != "sale", ["source", "original_order_id"]].dropna().drop_duplicates()
        refunds = refunds.rename(columns={"original_order_id": "order_id"})
        sales = lines.loc[lines["kind"] == "sale", ["source", "order_id", "ordered_on"]]
        sales = sales[sales["order_id"].isin(refunds["order_id"])].merge(refunds, on=["source", "order_id"])
        originals = sales.groupby(["source", "order_id"])["ordered_on"].min().rename("original_on")
        counted = lines.loc[
            lines["is_counted"], ["customer_key", "source", "kind", "original_order_id", "ordered_on", "net_cents"]
        ]
        undone = counted[(counted["kind"] != "sale") & counted["original_order_id"].notna()]
        found = undone.join(originals, on=["source", "original_order_id"])["original_on"].dropna()
        bought_on = counted["ordered_on"].copy()
        bought_on.loc[found.index] = found
        days = counted.assign(day=bought_on).groupby(["customer_key", "day"])["net_cents"].sum()
        days = days[days > 0].reset_index().sort_values(["customer_key", "day"])
        by_customer = days.assign(in_12m=days["day"] > day - pd.Timedelta(days=365)).groupby("customer_key")
        histories = by_customer.agg(
            first_purchased_on=("day", "first"),
            last_purchased_on=("day", "last"),
            n=("day", "size"),
            purchase_days_12m=("in_12m", "sum"),
            all_cents=("net_cents", "sum"),
            first_cents=("net_cents", "first"),
        ).reset_index()
        first, last = histories["first_purchased_on"], histories["last_purchased_on"]
        repeats, cents = histories["n"] - 1, histories["all_cents"] - histories["first_cents"]
        whole, twice_left = cents // repeats.clip(lower=1), 2 * (cents % repeats.clip(lower=1))
        up = (twice_left > repeats) | ((twice_left == repeats) & (whole % 2 == 1))
        histories = histories.assign(
            repeat_purchases=repeats,
            age_at_last_purchase_days=(last - first).dt.days,
            age_days=(day - first).dt.days,
            days_since_last_purchase=(day - last).dt.days,
            average_repeat_cents=np.where(repeats > 0, whole + up, np.nan),
        ).drop(columns=["n", "all_cents", "first_cents"])
    histories.to_parquet(folder / "pandas.parquet")
    return folder / "pandas.parquet"
