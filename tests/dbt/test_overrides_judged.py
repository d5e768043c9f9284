"""Which overrides stand, against plain Python that walks the days one by one and knows nothing of SQL."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pytest

from tierwise import warehouse

BEGIN, DAYS, FAR = date(2024, 1, 1), 40, date(9999, 12, 31)
WITHOUT_MIDDLE = range(12, 21)  # on these days the policy has no tier `middle`
TABLES = """
create schema intermediate;
create schema staging;
create table intermediate.int_policy_days__decided (as_of date, policy varchar);
create table intermediate.int_policy_tiers__dated (as_of date, policy varchar, tier varchar);
create table intermediate.int_customer_ids__keyed (
    source varchar, customer_id varchar, customer_key varchar, known_on date);
create table staging.stg_tier_overrides (
    source varchar, policy varchar, customer_source varchar, customer_id varchar, delivery_id varchar,
    row_number bigint, version bigint, tier varchar, reason varchar, author varchar, starts_on date, ends_on date,
    known_on date, updated_at timestamp, claimed_on date, accepted_order bigint);
"""


def day(number: int) -> date:
    return BEGIN + timedelta(number)


def tiers(on: date) -> set[str]:
    return {"top"} if (on - BEGIN).days in WITHOUT_MIDDLE else {"top", "middle"}


@dataclass
class Row:
    """One row that somebody sent, in the order of `number`; and what becomes of it."""

    number: int
    source: str
    customer: int
    tier: str
    starts_on: date
    ends_on: date | None
    known_on: date
    because: str | None = None
    replaced_on: date | None = None
    dropped_on: date | None = None

    @property
    def last_day(self) -> date:
        return self.ends_on or FAR

    @property
    def loses_its_tier_on(self) -> date:
        """The first day from which it is known on which its policy has not its tier, if it has not ended by then."""
        gone = next((d for n in range(DAYS) if (d := day(n)) >= self.known_on and self.tier not in tiers(d)), FAR)
        return gone if gone <= self.last_day else FAR

    def meets(self, other: Row) -> bool:
        return self.starts_on <= other.last_day and other.starts_on <= self.last_day


def draw(seed: int, customers: int) -> tuple[list[Row], dict[int, date]]:
    random_one = random.Random(seed)
    pick = random_one.choice
    known_since = {customer: day(pick([0, 0, 0, 8])) for customer in range(customers)}
    rows = []
    for customer in range(customers):
        for _ in range(random_one.randint(1, 7)):
            starts_on = day(pick([0, 5, 10, 15]))
            length = pick([None, 0, 4, 5, 9])
            rows.append(
                Row(
                    number=0,
                    source=pick(["sheet", "by_hand"]),
                    customer=customer,
                    tier=pick(["top"] * 5 + ["middle", "middle", "tpo"]),
                    starts_on=starts_on,
                    ends_on=None if length is None else starts_on + timedelta(length),
                    known_on=day(pick([3, 6, 9, 13, 22])),
                )
            )
    rows.sort(key=lambda row: row.known_on)
    for number, row in enumerate(rows, start=1):
        row.number = number
    return rows, known_since


def named(row: Row, known_since: date) -> str | None:
    """Why a row goes back whatever else is known."""
    if known_since > row.known_on:
        return "unknown_customer"
    return None if row.tier in tiers(row.known_on) else "unknown_tier"


def meet(standing: list[Row], fresh: list[Row]) -> list[Row]:
    """What stands once the rows of one day met each other and what stood; who goes back restores what it replaced."""
    for row in [row for row in fresh if any(row.meets(other) for other in fresh if other is not row)]:
        row.because = "overlaps"
    while True:
        good = [row for row in fresh if row.because is None]
        kept = [row for row in standing if row.starts_on not in {one.starts_on for one in good}]
        met = [row for row in good if any(row.meets(other) for other in kept if other.starts_on != row.starts_on)]
        if not met:
            return kept + good
        for row in met:
            row.because = "overlaps"


def judge(rows: list[Row], known_since: date) -> None:
    """All rows about one customer, one day of news after the other."""
    standing: list[Row] = []
    for row in rows:
        row.because = named(row, known_since)
    for known_on in sorted({row.known_on for row in rows}):
        arriving = [row for row in rows if row.known_on == known_on and row.because is None]
        standing = [row for row in standing if row.loses_its_tier_on > known_on]
        newest = {row.starts_on: row for row in arriving}
        told = Counter(row.starts_on for row in standing + arriving)
        for row in arriving:
            if row is not newest[row.starts_on]:
                row.replaced_on = known_on
            elif row.last_day < known_on and told[row.starts_on] == 1:
                row.because = "ended_before_known"
        stood, standing = standing, meet(standing, [row for row in newest.values() if row.because is None])
        for row in stood:
            row.replaced_on = None if row in standing else known_on
    for row in rows:
        if row.because is None and row.loses_its_tier_on < (row.replaced_on or FAR):
            row.dropped_on = row.replaced_on = row.loses_its_tier_on


@pytest.fixture(scope="module")
def judged(lay) -> str:
    """The model's own SQL, as dbt compiles it."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    build = lay(BEGIN)
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("TIERWISE_BUILD", str(build))
            name = "int_tier_overrides__judged"
            ran = dbtRunner().invoke(["compile", "--select", name, *warehouse._options(build.parent / "logs")])
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert ran.success, ran.exception
    return ran.result.results[0].node.compiled_code.replace('"build".', "")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_overrides_drawn_at_random_are_judged_as_by_hand(judged, seed):
    rows, known_since = draw(seed, customers=600)
    versions: Counter[tuple[str, int, date]] = Counter()
    with duckdb.connect() as d:
        d.execute(TABLES)
        for n in range(DAYS):
            d.execute("insert into intermediate.int_policy_days__decided values (?, 'p')", [day(n)])
            for tier in tiers(day(n)):
                d.execute("insert into intermediate.int_policy_tiers__dated values (?, 'p', ?)", [day(n), tier])
        ids = [("shop", str(customer), f"key {customer}", since) for customer, since in known_since.items()]
        d.executemany("insert into intermediate.int_customer_ids__keyed values (?, ?, ?, ?)", ids)
        for row in rows:
            versions[row.source, row.customer, row.starts_on] += 1
            version = versions[row.source, row.customer, row.starts_on]
            days = [row.starts_on, row.ends_on, row.known_on]
            d.execute(
                "insert into staging.stg_tier_overrides values"
                " (?, 'p', 'shop', ?, 'd', ?, ?, ?, 'because', 'Li', ?, ?, ?, null, null, ?)",
                [row.source, str(row.customer), row.number, version, row.tier, *days, row.number],
            )
        asked = f"select row_number, sent_back_because, replaced_on, dropped_on from ({judged}) order by row_number"
        found = d.execute(asked).fetchall()
    for customer, since in known_since.items():
        judge([row for row in rows if row.customer == customer], since)
    assert found == [(row.number, row.because, row.replaced_on, row.dropped_on) for row in rows]
    assert len({row.because for row in rows}) == 5
    assert sum(row.dropped_on is not None for row in rows) > 50
    assert sum(row.replaced_on is not None for row in rows) > 200
