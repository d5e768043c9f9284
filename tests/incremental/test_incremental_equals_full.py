"""A night that goes on from the last one's tables gives the same as one that builds everything anew, row for row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tierwise import segments, warehouse
from tierwise.policy import rules
from tierwise.sources.streams import STREAMS

from .histories import FIRST_INTERACTION, NEW_RATES, Night, nights_of

CASES = 200
SEED = 7
# Nights in a row, over New Year and a leap day, and gaps in which nights did not run.
NIGHTS = [
    date(2023, 12, 30),
    date(2023, 12, 31),
    date(2024, 1, 1),
    date(2024, 2, 29),
    date(2024, 6, 1),
    date(2025, 1, 2),
]
RATED_LATER = """
    (
        select version_of, line_id from intermediate.int_order_lines__valued
        group by all having count(*) filter (where net_amount is null) > 0 and count(distinct net_amount) > 1
    )
"""
OPS = ("ops_runs", "ops_deliveries", "ops_quarantine")
COMPANY = {"currency": "GBP", "time_zone": "Europe/London", "rate_days": "30"}
POLICIES = """\
pyramid:
  status: active
  primary: true
  labels: {en: Pyramid, zh: 金字塔}
  measure: net_revenue_12m
  then_by: [orders_12m, tenure_days]
  eligible: {after_days: 90, otherwise: provisional}
  tiers:
    - {tier: top, labels: {en: Top, zh: 大客户}, top_share: 0.1}
    - {tier: middle, labels: {en: Middle, zh: 中客户}, top_share: 0.4}
    - {tier: rest, labels: {en: Rest, zh: 小客户}, otherwise: true}
  stability: {promotion_band: 0.15, demotion_band: 0.25, minimum_stay_days: 90, maximum_steps_down: 1, confirm_days: 2}
growth:
  status: active
  labels: {en: Growth, zh: 增长}
  measure: revenue_growth_12m
  rank_within: region
  tiers:
    - {tier: grows, labels: {en: Grows, zh: 增长}, at_least: 0.1}
    - {tier: rest, labels: {en: Rest, zh: 其他}, otherwise: true}
credit:
  status: active
  labels: {en: Credit, zh: 信用}
  measure: value_score
  score:
    contribution:
      weight: 0.7
      parts:
        - {measure: contribution_12m, scored_by: value_share, weight: 0.5}
        - {measure: average_order_amount_12m, scored_by: percentile, weight: 0.5}
    loyalty: {weight: 0.3, parts: [{measure: payment_timeliness_12m, scored_by: percentile, weight: 1}]}
  eligible: {minimum_coverage: 0.3}
  tiers:
    - {tier: good, labels: {en: Good, zh: 良好}, top_share: 0.3}
    - {tier: rest, labels: {en: Rest, zh: 其他}, otherwise: true}
"""


class Installation:
    """What a company keeps between nights: the build file, the files of its log, and where its decisions stand."""

    def __init__(self, folder: Path, *, goes_on: bool) -> None:
        self.folder, self.goes_on = folder, goes_on
        self.build = folder / "build.duckdb"
        self.log: dict[str, list[Path]] = {stream: [] for stream in STREAMS}
        self.standing: dict[str, list[Path]] = {name: [] for name in (*warehouse.LOGS, *warehouse.STATES)}
        self.before: date | None = None
        folder.mkdir()

    def run(self, day: date, night: Night, rule_tables: dict[str, Path]) -> None:
        arrived = {stream: [self._write(stream, night[stream], day)] for stream in night}
        for stream, files in arrived.items():
            self.log[stream] += files
        goes_on = self.goes_on and self.before is not None
        warehouse.lay_inputs(
            self.build,
            days=[day],
            company=COMPANY,
            rules=rule_tables,
            files={**self.log, **self.standing, **dict.fromkeys(OPS, ())},
            builds_on=self.before if goes_on else None,
            arrived=arrived if goes_on else None,
        )
        for part in warehouse.PARTS:
            warehouse.build(self.build, part)
        with duckdb.connect(str(self.build), read_only=True) as d:
            for name, held in (warehouse.LOGS | warehouse.STATES).items():
                file = self.folder / f"{name}_{day}.parquet"
                columns = ", ".join(warehouse.input_columns(name))
                of_day = f"and as_of = date '{day}'"
                d.execute(f"copy (select {columns} from {held} {of_day}) to '{file}'")
                self.standing[name] = [*self.standing[name], file] if name in warehouse.LOGS else [file]
        self.before = day

    def _write(self, stream: str, rows: Sequence[dict[str, Any]], day: date) -> Path:
        file = self.folder / f"{stream}_{day}.parquet"
        typed = ", ".join(f'"{c}" {kind}' for c, kind in warehouse.input_columns(stream).items())
        told = pd.DataFrame(list(rows), dtype=object)
        with duckdb.connect() as d:
            d.register("told", told)
            d.execute(f"create table log ({typed})")
            d.execute("insert into log by name from told")
            d.execute(f"copy log to '{file}'")
        return file


@pytest.fixture(scope="module")
def rule_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[date, dict[str, Path]]]:
    home = tmp_path_factory.mktemp("home")
    (home / "config").mkdir()
    for name, text in (
        ("company", "name: {en: T, zh: T}\ncurrency: GBP\ntime_zone: Europe/London\n"),
        ("tier_policies", POLICIES),
    ):
        (home / "config" / f"{name}.yml").write_text(text)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TIERWISE_HOME", str(home))
        policies = rules.load()
        tables = {}
        for day in NIGHTS:
            rules.write_rule_tables([(day, policy) for policy in policies], home / str(day))
            for name, held in segments.rows().items():
                warehouse.write_input(name, pd.DataFrame(held), home / str(day) / f"{name}.parquet")
            tables[day] = {name: home / str(day) / f"{name}.parquet" for name in (*rules.TABLES, *segments.TABLES)}
        yield tables


@pytest.mark.slow
def test_incremental_equals_full(tmp_path, rule_tables):
    """200 histories as one company: late rows, corrected ones, refunds before their sale, lines that go, new costs."""
    on, anew = Installation(tmp_path / "on", goes_on=True), Installation(tmp_path / "anew", goes_on=False)
    valued = {}
    for day, night in zip(NIGHTS, nights_of(SEED, CASES, NIGHTS), strict=True):
        on.run(day, night, rule_tables[day])
        anew.run(day, night, rule_tables[day])
        assert not _differences(on.build, anew.build)
        valued[day] = [_count(i.build, "intermediate.int_customers__asked where basis = 'day'") for i in (on, anew)]
    # nothing before it; from then on nobody's are unknown; what was done for anybody costs otherwise
    touching_everybody = {NIGHTS[0], FIRST_INTERACTION, NEW_RATES}
    assert {day for day, (few, everybody) in valued.items() if few == everybody} == touching_everybody
    assert _count(on.build, "marts.fct_orders where exchange_rate is null") > 20  # no rate known yet, or ever
    assert _count(on.build, RATED_LATER) > 5
    assert _count(on.build, "marts.fct_customer_value where issue_weight_12m > 8 and open_issues > 1") > 5
    with duckdb.connect(str(on.build), read_only=True) as d:  # of every need there is somebody
        assert len(d.execute("select distinct need from marts.rpt_customer_needs").fetchall()) == 4


@pytest.mark.slow
def test_a_value_that_nobody_computed_is_found(tmp_path, rule_tables):
    """The comparison can fail: of two nights that start from a wrong value only one carries it on."""
    on, anew = Installation(tmp_path / "on", goes_on=True), Installation(tmp_path / "anew", goes_on=False)
    first, second, *_ = NIGHTS
    for installation in (on, anew):
        installation.run(first, nights_of(SEED, 20, NIGHTS)[0], rule_tables[first])
        [state] = installation.standing["customer_values"]
        with duckdb.connect() as d:
            d.execute(f"create table held as from '{state}'")
            d.execute("update held set net_revenue_12m = net_revenue_12m + 1")
            d.execute(f"copy held to '{state}'")
        installation.run(second, {}, rule_tables[second])
    assert "intermediate.int_customers__valued" in _differences(on.build, anew.build)


def _differences(a: Path, b: Path) -> dict[str, int]:
    """By table: how many rows only one of the two build files holds. Who was asked for differs on purpose."""
    with duckdb.connect() as d:
        d.execute(f"attach '{a}' as a (read_only)")
        d.execute(f"attach '{b}' as b (read_only)")
        tables = d.execute(
            """
            select distinct schema_name || '.' || table_name from duckdb_tables()
            where database_name = 'b' and schema_name in ('staging', 'intermediate', 'marts')
            """
        ).fetchall()
        compared = sorted({t for (t,) in tables} - ONLY_WHO_WAS_ASKED_FOR)
        assert len(compared) > 40
        found = {}
        for table in compared:
            columns = ", ".join(f'"{c[0]}"' for c in d.execute(f"describe b.{table}").fetchall())
            only = [
                d.execute(
                    f"select count(*) from (select {columns} from {x}.{table} except all select {columns} from {y}.{table})"
                ).fetchall()[0][0]
                for x, y in ("ab", "ba")
            ]
            if any(only):
                found[table] = sum(only)
    return found


ONLY_WHO_WAS_ASKED_FOR = {
    "intermediate.int_valuations__asked",
    "intermediate.int_customers__asked",
    "intermediate.int_customer_assessments__averaged",
    "intermediate.int_customer_categories__bought",
    "intermediate.int_customer_days__netted",
    "intermediate.int_customer_facts__compared",
    "intermediate.int_customer_interactions__counted",
    "intermediate.int_customer_issues__weighed",
    "intermediate.int_customer_money__windowed",
    "intermediate.int_customer_outlooks__matched",
    "intermediate.int_customer_payments__timed",
    "intermediate.int_customer_satisfaction__averaged",
    "intermediate.int_customer_service__costed",
    "intermediate.int_purchase_histories__summarised",
}


def _count(build: Path, table: str) -> int:
    with duckdb.connect(str(build), read_only=True) as d:
        return int(d.execute(f"select count(*) from {table}").fetchall()[0][0])
