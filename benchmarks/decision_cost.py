"""What a night's decision costs: against writing its table once, and in memory.

A made-up company is decided by the shipped pyramid for three nights: the first; another when every stay is over and
some customers moved; and the night after, where tiers change. Of that one the whole build of the decision counts:
rankings, lines, scores compared, decisions and their log, data tests included. The limit beside it writes the table
of decisions that came out, as it is, once more.

    python -m benchmarks.decision_cost               # 1 million customers three times, then 10 million within 8 GiB
    python -m benchmarks.decision_cost --customers 20000 --most 50000 --rounds 1 --results FILE
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
from benchmarks import measure, nights

from tierwise import warehouse
from tierwise.policy import rules
from tierwise.settings import hand_over, settings

EARLIER = (date(2025, 3, 1), date(2025, 6, 10))
NIGHT = date(2025, 6, 11)
MOVED = 50  # one customer in so many has another revenue on each night after the first
LIMIT_GIB = 8
ENGINE_GIB = 5  # of the limit; the rest is Python's, and what the engine does not count

TABLE = "intermediate.int_tier_decisions__decided"


def three_nights(customers: int, folder: Path, rounds: int) -> dict[str, Any]:
    """Decide the nights before, then the night `rounds` times, and as often write its table once more."""
    hand_over(TIERWISE_MEMORY=f"{ENGINE_GIB} GiB")
    policies = [policy for policy in rules.load() if policy.name == "pyramid"]
    state: dict[str, Path] = {}
    for day in EARLIER:
        before = nights.decide(folder, [day], policies, _values(day, customers), state)
        state = nights.hand_over(before, day, folder / f"state_{day}")
    decisions, writes = [], []
    for _ in range(rounds):
        build = nights.lay(folder, [NIGHT], policies, _values(NIGHT, customers), state)
        began = time.perf_counter()
        warehouse.build(build, warehouse.DECISION)
        decisions.append(time.perf_counter() - began)
        writes.append(_write_once_more(build, folder / "once_more.duckdb"))
    with duckdb.connect(str(build), read_only=True) as d:
        rows, changes = d.execute(f"select count(*), count(*) filter (where is_change) from {TABLE}").fetchall()[0]
    return {
        "customers": customers,
        "rows_decided": rows,
        "changes": changes,
        "decision_seconds": round(median(decisions), 2),
        "writing_the_table_seconds": round(median(writes), 2),
        "times_the_writing": round(median(decisions) / median(writes), 2),
        "rounds": rounds,
    }


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


def _write_once_more(build: Path, file: Path) -> float:
    file.unlink(missing_ok=True)
    with duckdb.connect() as d:
        d.execute(f"set memory_limit = '{ENGINE_GIB} GiB'")
        d.execute("set preserve_insertion_order = false")
        d.execute(f"attach '{build}' as decided (read_only)")
        d.execute(f"attach '{file}' as once_more")
        began = time.perf_counter()
        d.execute(f"create table once_more.written as from decided.{TABLE}")
        d.execute("checkpoint once_more")
        seconds = time.perf_counter() - began
    file.unlink()
    return seconds


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--customers", type=int, default=1_000_000, help="how many the ratio is measured with")
    asked.add_argument("--most", type=int, default=10_000_000, help="how many must fit into memory")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "decision_cost.json")
    said = asked.parse_args()
    settings().work.mkdir(parents=True, exist_ok=True)
    measured = []
    for customers, rounds in ((said.customers, said.rounds), (said.most, 1)):
        folder = Path(tempfile.mkdtemp(prefix="decision-", dir=settings().work))
        try:
            cost = measure.alone(three_nights, customers, folder, rounds)
        finally:
            shutil.rmtree(folder)
        measured.append({**cost.result, "peak_gib": round(cost.peak_mib / 1024, 2)})
        print(json.dumps(measured[-1]), flush=True)
    result = {"machine": measure.machine(), "limit_gib": LIMIT_GIB, "engine_gib": ENGINE_GIB, "measured": measured}
    said.results.parent.mkdir(exist_ok=True)
    said.results.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
