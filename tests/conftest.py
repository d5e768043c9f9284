"""Whole companies in folders of their own, run through the real command line in this process."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

ROOT = Path(__file__).resolve().parents[1]

COMPANY = """\
name: {en: Tiny shop, zh: 小店}
currency: GBP
time_zone: Europe/London
clock: {last_day: 2024-02-29}
limits: {max_bad_share: 0.2}
"""
SOURCES = """\
- name: shop
  required: true
  kind: files
  time_zone: Europe/London
  streams:
    orders:
      from: inbox/orders/*.csv
      known_on: {from_name: "orders_%Y-%m-%d"}
      columns:
        order_id: order
        line_id: line
        customer_id: customer
        ordered_at: at
        amount: amount
        currency: {value: GBP}
        kind: {sql: "case when amount like '-%' then 'refund' else 'sale' end"}
        updated_at: updated
- name: desk
  required: false
  kind: files
  time_zone: Europe/London
  streams:
    interactions:
      from: inbox/calls/*.jsonl
      known_on: {from_name: "calls_%Y-%m-%d"}
      columns:
        interaction_id: call
        customer_id: customer
        customer_source: {value: shop}
        occurred_at: at
        kind: {value: call}
"""
POLICIES = """\
pyramid:
  status: active
  primary: true
  labels: {en: Pyramid, zh: 金字塔}
  measure: net_revenue_12m
  then_by: [orders_12m]
  tiers:
    - {tier: top, labels: {en: Top, zh: 大客户}, top_share: 0.25}
    - {tier: middle, labels: {en: Middle, zh: 中客户}, top_share: 0.5}
    - {tier: rest, labels: {en: Rest, zh: 小客户}, otherwise: true}
by_amount:
  status: shadow
  labels: {en: By amount, zh: 按金额}
  measure: net_revenue_12m
  tiers:
    - {tier: A, labels: {en: A, zh: A类}, above: 100}
    - {tier: B, labels: {en: B, zh: B类}, at_least: 50}
    - {tier: C, labels: {en: C, zh: C类}, otherwise: true}
"""
ORDER_COLUMNS = ("order", "line", "customer", "at", "amount", "updated")


@dataclass(frozen=True)
class Answer:
    """What the command line said; `said` is everything in one line, however the terminal wrapped it."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return " ".join((self.out + " " + self.err).split())


class _Listening(io.StringIO):
    """A terminal that calls somebody when a word appears on it: how a test acts in the middle of a command."""

    def __init__(self, word: str, act: Callable[[], None]) -> None:
        super().__init__()
        self._word, self._act, self._acted = word, act, False

    def write(self, text: str) -> int:
        written = super().write(text)
        if not self._acted and self._word in self.getvalue():
            self._acted = True
            self._act()
        return written


class Company:
    """A company in a folder: its configuration, what it delivers, and the commands that people give."""

    def __init__(self, home: Path) -> None:
        self.home = home

    # --- what people and sources put there

    def configure(self, *, company: str = COMPANY, sources: str = SOURCES, policies: str = POLICIES) -> Company:
        for name, text in (("company", company), ("sources", sources), ("tier_policies", policies)):
            self.write(f"config/{name}.yml", text)
        return self

    def write(self, path: str, text: str) -> Path:
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def replace(self, path: str, old: str, new: str) -> int:
        """Change one passage of a file; returns the number of the line where it stands."""
        text = (self.home / path).read_text()
        assert text.count(old) == 1
        (self.home / path).write_text(text.replace(old, new))
        return text[: text.index(old)].count("\n") + 1

    def deliver(
        self,
        name: str,
        rows: Iterable[Iterable[object]],
        columns: Iterable[str] = ORDER_COLUMNS,
        folder: str = "orders",
    ) -> Path:
        lines = [",".join(columns), *(",".join("" if v is None else str(v) for v in row) for row in rows)]
        return self.write(f"inbox/{folder}/{name}", "\n".join(lines) + "\n")

    def deliver_calls(self, name: str, calls: Iterable[tuple[str, str, str]]) -> Path:
        lines = [f'{{"call": "{call}", "customer": "{customer}", "at": "{at}"}}' for call, customer, at in calls]
        return self.write(f"inbox/calls/{name}", "\n".join(lines) + "\n")

    def copy_to(self, home: Path) -> Company:
        shutil.copytree(self.home, home, symlinks=True)
        return Company(home)

    # --- what people ask

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """Everything inside works on this company."""
        before = os.environ.get("TIERWISE_HOME")
        os.environ["TIERWISE_HOME"] = str(self.home)
        try:
            yield
        finally:
            if before is None:
                del os.environ["TIERWISE_HOME"]
            else:
                os.environ["TIERWISE_HOME"] = before

    def tierwise(self, *arguments: str, when: str = "", then: Callable[[], None] = lambda: None) -> Answer:
        """`tierwise …`, through the last door. `when` a word appears on stderr, `then` something happens."""
        from tierwise import cli

        out = io.StringIO()
        err = _Listening(when, then) if when else io.StringIO()
        with self.at_home(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(arguments)
        return Answer(code, out.getvalue(), err.getvalue())

    def run(self, as_of: str) -> Answer:
        answer = self.tierwise("run", "--as-of", as_of)
        assert answer.code == 0, answer.said
        return answer

    def backfill(self, first: str, last: str, *more: str) -> Answer:
        answer = self.tierwise("backfill", "--from", first, "--to", last, *more)
        assert answer.code == 0, answer.said
        return answer

    # --- what readers see

    @property
    def current(self) -> str:
        """The release that readers follow, by the link alone."""
        return str((self.home / "var/release/current").readlink())

    @property
    def released(self) -> Path:
        return self.home / "var/release/current.duckdb"

    def marts(self, sql: str) -> list[tuple[Any, ...]]:
        return self.ask(self.released, sql)

    @staticmethod
    def ask(database: Path, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        with duckdb.connect(str(database.resolve()), read_only=True) as d:
            d.execute("set schema = 'marts'")
            return d.execute(sql).fetchall()

    @staticmethod
    def ask_files(sql: str) -> list[tuple[Any, ...]]:
        """Plain SQL over raw files, with nothing of ours in between."""
        import duckdb

        with duckdb.connect() as d:
            return d.execute(sql).fetchall()

    def tiers(self, policy: str = "pyramid") -> dict[str, str | None]:
        return dict(
            self.marts(
                "select customer_id, tier from dim_customer_tiers join dim_customer_ids using (customer_key)"
                f" where policy = '{policy}'"
            )
        )

    def differences(self, other: Company | Path) -> list[str]:
        """The marts of two releases that differ in any row, as plain SQL sees it; `ops_*` tell of the runs themselves."""
        import duckdb

        theirs = other.released if isinstance(other, Company) else other
        with duckdb.connect() as d:
            d.execute(f"attach '{self.released.resolve()}' as one (read_only)")
            d.execute(f"attach '{theirs.resolve()}' as two (read_only)")
            listed = "select table_name from duckdb_tables() where database_name = '{}' and schema_name = 'marts'"
            names = {n for (n,) in d.execute(listed.format("one")).fetchall()}
            assert names == {n for (n,) in d.execute(listed.format("two")).fetchall()}
            assert len(names) > 15
            return [
                name
                for name in sorted(names)
                if not name.startswith("ops_")
                and d.execute(
                    f"select count(*) from ((from one.marts.{name} except all from two.marts.{name}) union all"
                    f" (from two.marts.{name} except all from one.marts.{name}))"
                ).fetchall()
                != [(0,)]
            ]


# Four customers on three days around a month's end. Ann grows past everybody, Bob buys once, Cid's order is undone.
DAYS = ("2024-01-30", "2024-01-31", "2024-02-01")
ORDERS: dict[str, list[tuple[object, ...]]] = {
    "2024-01-30": [
        ("o1", 1, "ann", "2024-01-30 09:00", "40.00", None),
        ("o1", 2, "ann", "2024-01-30 09:00", "2.50", None),
        ("o2", 1, "bob", "2024-01-30 10:00", "90.00", None),
        ("o3", 1, "cid", "2024-01-30 11:00", "60.00", None),
        ("o4", 1, "dee", "2024-01-30 12:00", "10.00", None),
    ],
    "2024-01-31": [
        ("o5", 1, "ann", "2024-01-31 09:00", "50.00", None),
        ("o6", 1, "cid", "2024-01-31 09:30", "-60.00", None),
        ("o7", 1, "dee", "2024-01-31 10:00", "5.00", None),
        ("o8", 1, "bob", "2024-01-31 11:00", "1.00", None),
    ],
    "2024-02-01": [
        ("o9", 1, "ann", "2024-02-01 09:00", "30.00", None),
        ("o10", 1, "bob", "2024-02-01 09:10", "2.00", None),
        ("o11", 1, "dee", "2024-02-01 09:20", "3.00", None),
        ("o12", 1, "eve", "2024-02-01 09:30", "1.00", None),
    ],
}


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """No test leaves a variable behind for the next one, whatever it called."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(scope="session")
def make_company(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Company]:
    """A company with its configuration and without deliveries."""

    def make(**configuration: str) -> Company:
        return Company(tmp_path_factory.mktemp("company")).configure(**configuration)

    return make


@pytest.fixture(scope="session")
def move_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Company]:
    """A company whose folders (configuration and deliveries) are copied into a home of its own."""

    def move(*folders: Path) -> Company:
        home = tmp_path_factory.mktemp("company")
        for folder in folders:
            shutil.copytree(folder, home / folder.name)
        return Company(home)

    return move


@pytest.fixture(scope="session")
def three_nights(make_company: Callable[..., Company]) -> Company:
    """The tiny shop after three nights, each with its own delivery. Look at it; to go on from it, take `shop`."""
    company = make_company()
    for day in DAYS:
        company.deliver(f"orders_{day}.csv", ORDERS[day])
        company.deliver_calls(f"calls_{day}.jsonl", [(f"c{day}", "ann", f"{day} 08:00")])
        company.run(day)
    return company


@pytest.fixture
def company(make_company: Callable[..., Company]) -> Company:
    """A tiny shop before its first night."""
    return make_company()


@pytest.fixture
def shop(three_nights: Company, tmp_path: Path) -> Company:
    """A shop of one's own that has three nights behind it, and the next day's orders not yet delivered."""
    return three_nights.copy_to(tmp_path / "my shop 店")
