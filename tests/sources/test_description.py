"""What `config/sources.yml` may say, and the answer to what it may not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tierwise.errors import ConfigurationRefused
from tierwise.sources import description
from tierwise.sources.description import KnownOn
from tierwise.sources.fragments import fragment_problems

SHOP = """\
- name: shop
  required: true
  kind: files
  time_zone: Europe/London
  streams:
    orders:
      from: in/*.csv
      columns:
        order_id: no
        line_id: line
        customer_id: customer
        ordered_at: at
        amount: amount
        currency: {value: GBP}
        kind: {value: sale}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    return tmp_path


def refused(home: Path, text: str) -> str:
    (home / "config" / "sources.yml").write_text(text)
    with pytest.raises(ConfigurationRefused) as why:
        description.load_sources()
    return why.value.sentence


def test_a_source_is_one_entry(home):
    (home / "config" / "sources.yml").write_text(SHOP)
    source, entry = description.entry_of("shop", "orders", description.load_sources())
    assert (source.required, source.time_zone, entry.file_format) == (True, "Europe/London", "csv")
    assert entry.columns["order_id"].from_ == "no"
    assert entry.columns["amount"].where == "config/sources.yml:13"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        pytest.param(
            "  required: true\n", "", 1, "the key `required` is missing", id="nobody says whether it is required"
        ),
        pytest.param(
            "  time_zone: Europe/London\n", "", 1, "the key `time_zone` is missing", id="no time zone for naive times"
        ),
        pytest.param("Europe/London", "GMT+8", 4, "Asia/Shanghai", id="a time zone that is none"),
        pytest.param("kind: files", "kind: database", 3, "not supported yet", id="a kind of source still to come"),
        pytest.param("kind: files", "kind: fiels", 3, "write `kind: files`", id="a kind of source that is none"),
        pytest.param("required: true", "required: yes", 2, "true or false was expected", id="yes for true"),
        pytest.param("name: shop", "name: Web Shop", 1, "no name for a source", id="a name with blanks"),
        pytest.param("    orders:", "    order:", 6, "did you mean `orders`", id="unknown stream"),
        pytest.param(
            "customer_id: customer",
            "customr_id: customer",
            11,
            "did you mean `customer_id`",
            id="unknown canonical column",
        ),
        pytest.param(
            "        kind: {value: sale}\n", "", 8, "`kind` is missing", id="a required column without a mapping"
        ),
        pytest.param(
            "{value: sale}", "{value: sales}", 15, "did you mean `sale`", id="constant outside the vocabulary"
        ),
        pytest.param("{value: GBP}", "{value: RMB}", 14, "ISO 4217", id="constant that is no currency"),
        pytest.param(
            "amount: amount", "amount: {from: a, sql: b}", 13, "exactly one of", id="two ways to make a column"
        ),
        pytest.param("amount: amount", "amount: {type: money}", 13, "exactly one of", id="no way to make a column"),
        pytest.param(
            "amount: amount",
            "amount: {from: a, type: text}",
            13,
            "of type money",
            id="a type that the stream does not have",
        ),
        pytest.param(
            "amount: amount",
            "amount: {from: a, drop_decimal_point: true}",
            13,
            "does not fit",
            id="an option for ids on money",
        ),
        pytest.param(
            "ordered_at: at", "ordered_at: {from: at, format: iso}", 12, "neither a pattern", id="a format that is none"
        ),
        pytest.param(
            "ordered_at: at",
            'ordered_at: {from: at, format: "%m月%d日"}',
            12,
            "has no year",
            id="a day without its year",
        ),
        pytest.param("amount: amount", "amount: {from: a, formt: b}", 13, "did you mean `format`", id="unknown option"),
        pytest.param(
            "customer_id: customer",
            "customer_id: position_in_order",
            11,
            "line_id",
            id="the position in the order as a customer",
        ),
        pytest.param("in/*.csv", "../../etc/passwd", 7, "leaves the home folder", id="path traversal"),
        pytest.param("in/*.csv", "/etc/passwd", 7, "leaves the home folder", id="absolute path"),
        pytest.param("in/*.csv", "in/*.dat", 7, "does not tell its format", id="an ending that says nothing"),
        pytest.param(
            "in/*.csv\n", "in/*.csv\n      csv: {encoding: utf8mb4}\n", 8, "did you mean utf-8", id="encoding utf8mb4"
        ),
        pytest.param(
            "in/*.csv\n", "in/*.csv\n      csv: {encoding: GBK2312}\n", 8, "did you mean gb2312", id="encoding GBK2312"
        ),
        pytest.param(
            "in/*.csv\n",
            "in/*.csv\n      csv: {decimal: ',', thousands: ','}\n",
            8,
            "both",
            id="one mark for two things",
        ),
        pytest.param(
            "in/*.csv\n",
            "in/*.csv\n      known_on: {from_name: 'orders_%Y'}\n",
            8,
            "%Y, %m and %d",
            id="a name that gives no day",
        ),
        pytest.param(
            "in/*.csv\n",
            "in/*.csv\n      repeats: {drop: true, because: twice}\n",
            8,
            "replaces: order",
            id="repeats of lines with ids",
        ),
        pytest.param("in/*.csv\n", "in/*.csv\n      replaces: orders\n", 8, "did you mean `order`", id="replaces what"),
        pytest.param(
            "in/*.csv\n",
            "in/*.csv\n      sql_file: wide.sql\n",
            8,
            "wide.sql is missing",
            id="a select that is not there",
        ),
        pytest.param(
            "customer_id: customer",
            "customer_id: customer\n        customer_source: {value: shp}",
            12,
            "did you mean `shop`",
            id="customers of a source that is none",
        ),
        pytest.param(
            "amount: amount", "amount: {sql: now()}", 13, "`now` is not allowed", id="an expression that asks the time"
        ),
    ],
)
def test_a_mistake_in_a_source_is_answered_with_its_line(home, old, new, line, says):
    assert SHOP.count(old) == 1
    sentence = refused(home, SHOP.replace(old, new))
    told = [one for one in sentence.split("\n") if says in one]
    assert told, sentence
    assert told[0].startswith(f"config/sources.yml:{line}:"), sentence


def test_two_sources_of_one_name_are_refused(home):
    assert "config/sources.yml:16: a second source is called `shop`." in refused(home, SHOP + SHOP)


def test_an_entry_that_is_not_described_is_answered_with_those_that_are(home):
    (home / "config" / "sources.yml").write_text(SHOP)
    with pytest.raises(ConfigurationRefused, match="did you mean shop/orders"):
        description.entry_of("shop", "oders", description.load_sources())


@pytest.mark.parametrize(
    "sql",
    [
        "Quantity * UnitPrice",
        "case when InvoiceNo like 'C%' then 'refund' else 'sale' end",
        "StockCode in ('POST', 'M', 'BANK CHARGES')",
        "CustomerID is null",
        "customer->>'$.id'",
        "trim(both ' ' from upper(a))",
        "cast(a as decimal(18, 2)) - coalesce(b, 0)",
        "left(priority, 1) in ('1', '2')",
        "a = '--' or b like '%;%'",
        "\"column with now()\" = 'random()'",
    ],
)
def test_an_expression_over_its_own_row_is_allowed(sql):
    assert fragment_problems(sql) == []


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        pytest.param("now()", "`now` is not allowed", id="the time"),
        pytest.param("current_date", "may not ask for the time", id="the day, as a keyword"),
        pytest.param("a.now()", "`now` is not allowed", id="the time, as a method"),
        pytest.param("random() * a", "`random` is not allowed", id="chance"),
        pytest.param("uuid()", "`uuid` is not allowed", id="chance in other clothes"),
        pytest.param("read_text('/etc/passwd')", "`read_text` is not allowed", id="a file"),
        pytest.param("current_setting('home')", "`current_setting` is not allowed", id="the engine's settings"),
        pytest.param("(select max(a) from b)", "has a subquery", id="other rows"),
        pytest.param("exists (select 1)", "has a subquery", id="whether there are other rows"),
        pytest.param("row_number() over ()", "has a window", id="the row's neighbours"),
        pytest.param("sum(a)", "`sum` is not allowed", id="all rows at once"),
        pytest.param("uper(a)", "Did you mean `upper`", id="a slip of the pen"),
        pytest.param("a, b", "is not one expression", id="two expressions"),
        pytest.param("a from other", "is not one expression", id="another table"),
        pytest.param("a; drop table b", "is not one expression", id="a second statement"),
        pytest.param("'); drop table b", "no SQL expression", id="a quote that never ends"),
        pytest.param("a;", "leave the semicolon out", id="a semicolon"),
        pytest.param("a -- and more", "has a comment", id="a comment that hides what follows"),
        pytest.param("a /* and more */ + b", "has a comment", id="a comment inside"),
        pytest.param("--", "is not one expression", id="only a comment"),
        pytest.param("a +", "a part is missing", id="half an expression"),
        pytest.param("{{ env_var('X') }}", "`env_var` is not allowed", id="a template"),
        pytest.param("orders.a", "names a table", id="a table's column"),
        pytest.param("a as b", "leave `as b` out", id="a name for the result"),
        pytest.param("a || '" + "x" * 10_000 + "'", "belongs into a `sql_file`", id="a novel"),
    ],
)
def test_an_expression_that_sees_more_than_its_row_is_refused(sql, says):
    assert says in " ".join(fragment_problems(sql))


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select * from delivered join 'other.csv' using (a)", "reads `other.csv`"),
        ("select * from read_csv('other.csv')", "`read_csv` is not allowed"),
        ("delete from delivered", "must be one `select`"),
        ("select 1; select 2", "must be one `select`"),
    ],
)
def test_a_select_beside_the_entry_reads_the_delivery_and_nothing_else(home, sql, says):
    (home / "config" / "wide.sql").write_text(sql)
    assert says in refused(home, SHOP.replace("in/*.csv\n", "in/*.csv\n      sql_file: wide.sql\n"))


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("orders_2026-01-31.csv", date(2026, 1, 31)),
        ("orders_2026-02-30.csv", None),
        ("orders_31-01-2026.csv", None),
        ("returns_2026-01-31.csv", None),
    ],
)
def test_a_name_gives_its_day_or_none(name, day):
    assert KnownOn(from_name="orders_%Y-%m-%d").day_of(name) == day
