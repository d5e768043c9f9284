"""How steady tiers are when customers are: the shipped pyramid against nightly percentiles, night by night.

Customers whose behaviour never changes buy by chance: how often is drawn once per customer from a gamma distribution,
how much from a lognormal one. Whatever a tier does then, it does for no reason. Both policies go through the same
compiled decision, night by night with real state; the nights before those that count only let tiers settle.

    python -m benchmarks.stability                     # 50,000 customers, three seeds; hours; goes on where it stopped
    python -m benchmarks.stability --customers 2000 --nights 40 --seeds 1 --results FILE     # minutes
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean

import duckdb
import numpy as np
from benchmarks import nights

from tierwise.policy import rules
from tierwise.policy.grammar import PolicyEntry
from tierwise.policy.rules import Policy
from tierwise.settings import settings

FIRST_NIGHT = date(2024, 1, 1)
WINDOW = 365
AFTERWARDS = 180  # nights more, so that every change counted has as long to be reversed
ROWS_AT_ONCE = 1_500_000  # customers and nights in one build

PURCHASES_A_YEAR = 6.0  # mean of the gamma distribution
GAMMA_SHAPE = 0.8
MEDIAN_SPEND = 200.0
SPREAD_BETWEEN = 1.0  # sigma of the customers' own levels
SPREAD_WITHIN = 0.5  # sigma of one customer's purchases

COUNTED = ("vip", "key", "regular")  # the tiers that have seats


@dataclass(frozen=True)
class Outcome:
    """What one policy did with one seed's customers, over the nights that count."""

    policy: str
    seed: int
    changes: int
    changes_a_night: float
    reversed_within_30_days: float
    reversed_within_180_days: float
    seats_used: float
    truly_best_held: float


def policies() -> list[Policy]:
    """The shipped pyramid, and the same shares without anything that steadies them: tiers anew every night."""
    shipped = next(policy for policy in rules.load() if policy.name == "pyramid")
    percentiles = shipped.entry.model_copy(
        update={"stability": PolicyEntry.model_fields["stability"].default, "primary": False}
    )
    return [shipped, Policy("nightly_percentiles", percentiles, shipped.currency)]


def simulate(seed: int, customers: int, counted_nights: int, folder: Path, compared: Sequence[Policy]) -> list[Outcome]:
    """Decide every night of one seed. Stopped, it goes on behind the last build that was finished."""
    days = [FIRST_NIGHT + timedelta(days=n) for n in range(2 * counted_nights + AFTERWARDS)]
    spent, truth = _behaviour(seed, customers, len(days))
    counted = days[counted_nights], days[2 * counted_nights - 1]
    outcomes = []
    for policy in compared:
        of_policy = folder / f"{policy.name}_{policy.version[:12]}"  # another version begins anew
        _decide_all(policy, days, spent, of_policy, f"seed {seed}, {policy.name}")
        outcomes.append(_outcome(policy.name, seed, of_policy, *counted, truth))
    return outcomes


def _decide_all(policy: Policy, days: list[date], spent: np.ndarray, folder: Path, title: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    state: dict[str, Path] = {}
    at_once = min(100, max(1, ROWS_AT_ONCE // spent.shape[1]))
    for start in range(0, len(days), at_once):
        of_chunk = days[start : start + at_once]
        done = folder / f"changes_{start:05}.parquet"
        kept = folder / f"state_{start + at_once:05}"
        if not done.exists():
            _write_values(folder / "values.parquet", spent, of_chunk, start)
            build = nights.decide(folder, of_chunk, [policy], f"from '{folder / 'values.parquet'}'", state)
            nights.hand_over(build, of_chunk[-1], kept)
            _keep_changes(build, done)
            print(f"  {title}: {start + len(of_chunk)} of {len(days)} nights", flush=True)
        state = {file.stem: file for file in kept.glob("*.parquet")}
        shutil.rmtree(folder / f"state_{start:05}", ignore_errors=True)


def _behaviour(seed: int, customers: int, nights_to_decide: int) -> tuple[np.ndarray, np.ndarray]:
    """Cents spent per day and customer, the window's days before the first night included; and who is truly best."""
    random = np.random.default_rng(seed)
    rate = random.gamma(GAMMA_SHAPE, PURCHASES_A_YEAR / GAMMA_SHAPE, customers) / WINDOW
    level = MEDIAN_SPEND * np.exp(random.normal(0, SPREAD_BETWEEN, customers))
    days = WINDOW - 1 + nights_to_decide
    spent = np.zeros((days, customers), dtype=np.int32)
    for day in range(days):
        purchases = random.poisson(rate)
        buying = np.flatnonzero(purchases)
        amounts = level[buying] * np.exp(random.normal(0, SPREAD_WITHIN, buying.size)) * purchases[buying]
        spent[day, buying] = np.round(amounts * 100)
    value = rate * level
    return spent, np.argsort(-value)[: max(1, customers // 100)]


def _write_values(file: Path, spent: np.ndarray, days: list[date], start: int) -> None:
    """The narrow rows of these nights: revenue, orders and age, as the history would give them."""
    import pandas as pd

    window = spent[start : start + WINDOW].astype(np.int64)
    revenue, orders = window.sum(axis=0), (window > 0).sum(axis=0)
    frames = []
    for n, day in enumerate(days):
        if n:
            came, left = spent[start + n + WINDOW - 1].astype(np.int64), spent[start + n - 1].astype(np.int64)
            revenue, orders = revenue + came - left, orders + (came > 0) - (left > 0)
        frames.append(
            pd.DataFrame({"as_of": day, "customer": np.arange(revenue.size), "cents": revenue, "orders": orders})
        )
    told = pd.concat(frames)  # registered by its name
    with duckdb.connect() as d:
        d.register("told", told)
        d.execute(
            f"""
            copy (
                select
                    as_of::date as as_of, 'day' as basis, as_of::date as window_ends_on,
                    printf('customer %06d', customer) as customer_key,
                    date '2020-01-01' as known_on, date '2020-01-01' as first_sale_on,
                    (cents::decimal(18, 2) / 100)::decimal(18, 2) as net_revenue_12m,
                    orders::bigint as orders_12m, (as_of::date - date '2020-01-01')::bigint as tenure_days
                from told
            ) to '{file}'
            """
        )


def _keep_changes(build: Path, file: Path) -> None:
    with duckdb.connect(str(build), read_only=True) as d:
        d.execute(
            f"""
            copy (
                select decided.as_of, decided.policy, decided.customer_key, decided.from_tier, decided.tier
                from intermediate.int_tier_decisions__decided as decided where decided.is_change
            ) to '{file}'
            """
        )
        d.execute(
            f"""
            copy (
                select decided.as_of, decided.policy, count(*) as holders, any_value(lines.seats) as seats,
                    list(decided.customer_key) filter (where decided.tier_rank = 1) as top
                from intermediate.int_tier_decisions__decided as decided
                inner join (
                    select as_of, policy, policy_version, max(seats) as seats
                    from intermediate.int_policy_lines__drawn where counted_more = 0 group by all
                ) as lines using (as_of, policy, policy_version)
                where decided.tier in {COUNTED} and decided.graded = 'graded'
                group by decided.as_of, decided.policy
            ) to '{file.with_name(file.name.replace("changes", "holders"))}'
            """
        )


def _outcome(policy: str, seed: int, folder: Path, first: date, last: date, truly_best: np.ndarray) -> Outcome:
    best = [f"customer {number:06}" for number in truly_best]
    with duckdb.connect() as d:
        changes, within_30, within_180 = d.execute(
            f"""
            with changes as (
                select as_of, customer_key, from_tier, tier
                from '{folder}/changes_*.parquet' where policy = $policy and from_tier is not null
            )
            select
                count(*),
                count(*) filter (exists (
                    select 1 from changes as back where back.customer_key = changes.customer_key
                    and back.tier = changes.from_tier and back.as_of > changes.as_of and back.as_of <= changes.as_of + 30
                )),
                count(*) filter (exists (
                    select 1 from changes as back where back.customer_key = changes.customer_key
                    and back.tier = changes.from_tier and back.as_of > changes.as_of and back.as_of <= changes.as_of + 180
                ))
            from changes where as_of between $first and $last
            """,
            {"policy": policy, "first": first, "last": last},
        ).fetchall()[0]
        seats_used, held = d.execute(
            f"""
            select avg(holders / seats), avg(len(list_intersect(top, $best)) / len($best))
            from '{folder}/holders_*.parquet' where policy = $policy and as_of between $first and $last
            """,
            {"policy": policy, "first": first, "last": last, "best": best},
        ).fetchall()[0]
    return Outcome(
        policy=policy,
        seed=seed,
        changes=changes,
        changes_a_night=round(changes / ((last - first).days + 1), 2),
        reversed_within_30_days=round(within_30 / changes, 4) if changes else 0.0,
        reversed_within_180_days=round(within_180 / changes, 4) if changes else 0.0,
        seats_used=round(seats_used, 4),
        truly_best_held=round(held, 4),
    )


def _means(outcomes: list[Outcome]) -> Iterator[dict[str, object]]:
    names = [name for name in asdict(outcomes[0]) if name not in ("policy", "seed")]
    for policy in dict.fromkeys(outcome.policy for outcome in outcomes):
        mine = [asdict(outcome) for outcome in outcomes if outcome.policy == policy]
        yield {"policy": policy, **{name: round(fmean(outcome[name] for outcome in mine), 4) for name in names}}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--customers", type=int, default=50_000)
    asked.add_argument("--nights", type=int, default=365, help="nights that count; as many before them only settle")
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "stability.json")
    said = asked.parse_args()
    outcomes = []
    for seed in range(1, said.seeds + 1):
        folder = settings().var / "benchmarks" / f"stability_{said.customers}_{said.nights}_{seed}"
        outcomes += simulate(seed, said.customers, said.nights, folder, policies())
    result = {
        "customers": said.customers,
        "nights_counted": said.nights,
        "nights_before": said.nights,
        "seeds": said.seeds,
        "behaviour": {
            "purchases_a_year": PURCHASES_A_YEAR,
            "gamma_shape": GAMMA_SHAPE,
            "median_spend": MEDIAN_SPEND,
            "spread_between_customers": SPREAD_BETWEEN,
            "spread_within_a_customer": SPREAD_WITHIN,
        },
        "means": list(_means(outcomes)),
        "by_seed": [asdict(outcome) for outcome in outcomes],
    }
    said.results.write_text(json.dumps(result, indent=1) + "\n")
    for mean in result["means"]:
        print(mean)


if __name__ == "__main__":
    main()
