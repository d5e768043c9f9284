"""What a night's decision costs: against writing its table once, and in memory.

A made-up company is decided by the shipped pyramid for three nights: the first; another when every stay is over and
some customers moved; and the night after, where tiers change. Of that one the whole build of the decision counts:
rankings, lines, scores compared, decisions and their log, data tests included. The limit beside it writes the table
of decisions that came out, as it is, once more.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

import duckdb
from benchmarks import frame, nights
from benchmarks.frame import Aim, Case, Contestant, Size
from benchmarks.measure import Watch

from tierwise import warehouse
from tierwise.policy import rules

EARLIER = (date(2025, 3, 1), date(2025, 6, 10))
NIGHT = date(2025, 6, 11)
MOVED = 50  # one customer in so many has another revenue on each night after the first
LIMIT_GIB = 8
ENGINE_GIB = 5  # of the limit; the rest is Python's, and what the engine does not count

TABLE = "intermediate.int_tier_decisions__decided"


def case(size: Size) -> Case:
    many, most = (_decided(customers) for customers in (size.customers, size.most_customers))
    written = f"writing its table, {size.customers:,} customers"
    contestants = [
        Contestant(many, partial(decide, size.customers), partial(_ready, size.customers)),
        Contestant(written, partial(write_once_more, size.customers)),
    ]
    if most != many:
        ready = partial(_ready, size.most_customers)
        contestants.append(Contestant(most, partial(decide, size.most_customers), ready, rounds=1))
    return Case(
        name="decision_cost",
        title="The decision",
        measures="The third night of the shipped pyramid, for everybody: rankings, lines, scores compared, decisions and"
        " their log, data tests included, once dbt has read the project; beside it the table of decisions that came"
        " out, written once more.",
        size=f"{size.customers:,} customers, and {size.most_customers:,} for memory",
        lay=partial(_lay, {size.customers, size.most_customers}),
        contestants=tuple(contestants),
        aims=(
            Aim("ten times the writing of its table", many, written, at_most=10),
            Aim("peak memory in MiB", most, what="peak_mib", at_most=LIMIT_GIB * 1024),
        ),
        engine_memory=f"{ENGINE_GIB} GiB",
    )


def _decided(customers: int) -> str:
    return f"the decision, {customers:,} customers"


def _lay(sizes: set[int], folder: Path) -> None:
    """The nights before."""
    for customers in sizes:
        state: dict[str, Path] = {}
        for day in EARLIER:
            before = nights.decide(folder / str(customers), [day], _pyramid(), _values(day, customers), state)
            state = nights.hand_over(before, day, folder / str(customers) / f"state_{day}")


def _ready(customers: int, folder: Path) -> None:
    kept = folder / str(customers) / f"state_{EARLIER[-1]}"
    state = {file.stem: file for file in kept.glob("*.parquet")}
    nights.lay(folder / str(customers), [NIGHT], _pyramid(), _values(NIGHT, customers), state)


def _pyramid() -> list[rules.Policy]:
    return [policy for policy in rules.load() if policy.name == "pyramid"]


def decide(customers: int, folder: Path, watch: Watch) -> None:
    nights.decide(folder / "few", [NIGHT], _pyramid(), _values(NIGHT, 10), {})  # dbt is awake by then, as in a night
    build = folder / str(customers) / "build.duckdb"
    with watch:
        warehouse.build(build, warehouse.DECISION)
    with duckdb.connect(str(build), read_only=True) as d:
        rows, changes = d.execute(f"select count(*), count(*) filter (where is_change) from {TABLE}").fetchall()[0]
    assert rows == customers
    assert changes


def write_once_more(customers: int, folder: Path, watch: Watch) -> None:
    with frame.engine(folder / "once_more.duckdb") as d:
        d.execute(f"attach '{folder / str(customers) / 'build.duckdb'}' as decided (read_only)")
        with watch:
            d.execute(f"create table written as from decided.{TABLE}")
            d.execute("checkpoint")


def _values(day: date, customers: int) -> str:
    """Narrow rows out of hashes: revenue is skewed, and some buy a lot after the first night."""
    buying = (*EARLIER, NIGHT).index(day)  # how many of every MOVED customers did so until then
    moved = f"case when hash(n, 'moved') % {MOVED} < {buying} then 1 + hash(n, 'by') % 9000000 else 0 end"
    return f"""
        select
            date '{day}' as as_of,
            'day' as basis,
            date '{day}' as window_ends_on,
            printf('customer %08d', n) as customer_key,
            date '2020-01-01' as known_on,
            date '2025-01-01' - (hash(n, 'age') % 1500)::integer as first_sale_on,
            (cents / 100)::decimal(18, 2) as net_revenue_12m,
            (1 + hash(n, 'orders') % 40)::bigint as orders_12m,
            (date '{day}' - date '2025-01-01' + hash(n, 'age') % 1500)::bigint as tenure_days
        from (
            select n, (2000000 / (1 + hash(n, 'spend') % 9999))::bigint + hash(n, 'more') % 3000 + {moved} as cents
            from range({customers}) as all_customers (n)
        )
    """
