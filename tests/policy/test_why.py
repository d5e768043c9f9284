"""What a sales director reads about one customer, word for word, in both languages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tierwise import control, policy
from tierwise.errors import ConfigurationRefused

POLICIES = """\
pyramid:
  status: active
  primary: true
  labels: {en: Value pyramid, zh: 客户价值金字塔}
  measure: net_revenue_12m
  then_by: [orders_12m, tenure_days]
  eligible: {after_days: 90, otherwise: provisional}
  tiers:
    - {tier: vip, labels: {en: VIP, zh: VIP客户}, top_share: 0.01}
    - {tier: key, labels: {en: Key, zh: 大客户}, top_share: 0.05}
    - {tier: small, labels: {en: Small, zh: 小客户}, otherwise: true}
abc:
  status: shadow
  labels: {en: ABC by amount, zh: 金额ABC分级}
  measure: net_revenue_12m
  eligible: {after_days: 30}
  tiers:
    - {tier: A, labels: {en: A, zh: A类}, above: 500000}
    - {tier: B, labels: {en: B, zh: B类}, at_least: 2500}
    - {tier: C, labels: {en: C, zh: C类}, otherwise: true}
by_orders:
  status: shadow
  labels: {en: By orders, zh: 订单数分级}
  measure: orders_12m
  then_by: [tenure_days]
  tiers:
    - {tier: best, labels: {en: Best, zh: 尖子}, top_share: 0.01}
    - {tier: rest, labels: {en: Rest, zh: 其他}, otherwise: true}
"""
AS_OF = date(2011, 12, 9)

# policy, tier, tier_rank, label_en, label_zh, rule_kind, share, bound, seats, line_value, eligible, ranked
LINES = [
    ("pyramid", "vip", 1, "VIP", "VIP客户", "top_share", "0.01", None, 42, "45000.50", 4290, 4286),
    ("pyramid", "key", 2, "Key", "大客户", "top_share", "0.05", None, 214, "12345.00", 4290, 4286),
    ("pyramid", "small", 3, "Small", "小客户", "otherwise", None, None, None, None, 4290, 4286),
    ("abc", "A", 1, "A", "A类", "above", None, "500000", None, "500000", 4300, 4296),
    ("abc", "B", 2, "B", "B类", "at_least", None, "2500", None, "2500", 4300, 4296),
    ("abc", "C", 3, "C", "C类", "otherwise", None, None, None, None, 4300, 4296),
    ("by_orders", "best", 1, "Best", "尖子", "top_share", "0.01", None, 0, None, 60, 60),
    ("by_orders", "rest", 2, "Rest", "其他", "otherwise", None, None, None, None, 60, 60),
]

# policy, customer_key, tier, tier_rank, graded, reason, decision_rows, tier_since, score, rank, gap_up, gap_down
TIERS = [
    ("pyramid", "k-key", "key", 2, "graded", "reached", "5", "2011-03-01", "29411.00", 87, "15589.51", "17066.00"),
    ("pyramid", "k-vip", "vip", 1, "graded", "reached", "5", "2011-12-09", "123456.78", 3, None, "78456.28"),
    ("pyramid", "k-small", "small", 3, "graded", "reached", "5", "2011-06-01", "410.20", 2950, "11934.81", None),
    ("pyramid", "k-returned", "small", 3, "graded", "reached", "5", "2011-06-01", "-12.50", 4288, "12357.51", None),
    ("pyramid", "k-tie", "small", 3, "graded", "reached", "5", "2011-06-01", "12345.00", 216, "0.01", None),
    ("pyramid", "k-new", "key", 2, "provisional", "provisional", "3", "2011-11-20", "15000.00", 190, "30000.51", "2655.00"),
    ("pyramid", "k-null", "small", 3, "provisional", "provisional", "3", "2011-11-01", None, 4291, None, None),
    ("abc", "k-edge", "B", 2, "graded", "reached", "5", "2011-05-02", "499999.99", 2, "0.02", "497499.99"),
    ("abc", "k-vip", "A", 1, "graded", "reached", "5", "2011-05-02", "1234567.00", 1, None, "734567.00"),
    ("abc", "k-small", "B", 2, "graded", "reached", "5", "2011-05-02", "2500.00", 900, "497500.01", "0.00"),
    ("abc", "k-new", None, None, "not_graded", "not_graded", "3", "2011-11-20", "15000.00", None, None, None),
    ("abc", "k-null", None, None, "not_graded", "not_graded", "3", "2011-05-02", None, None, None, None),
    ("by_orders", "k-key", "rest", 2, "graded", "reached", "5", "2011-03-01", "31", 1, None, None),
    ("by_orders", "k-vip", "rest", 2, "graded", "held_by_stay", "7", "2011-03-01", "1200", 1, None, None),
]

IDS = [
    ("shop", "17850", "k-key"),
    ("desk", "K-9", "k-key"),
    ("shop", "14646", "k-vip"),
    ("shop", "12347", "k-small"),
    ("shop", "12348", "k-returned"),
    ("shop", "12349", "k-tie"),
    ("shop", "18000", "k-new"),
    ("shop", "18001", "k-null"),
    ("shop", "15000", "k-edge"),
    ("desk", "12347", "k-other"),
    ("shop", "99999", "k-prospect"),
]
FIRST_SALES = {"k-key": "2010-12-01", "k-new": "2011-11-20", "k-null": "2011-05-01"}

# policy, customer_key, tier, tier_rank, graded, valid_from, valid_to, reason
HISTORY = [
    ("pyramid", "k-key", "small", 3, "provisional", "2010-12-10", "2011-02-28", "provisional"),
    ("pyramid", "k-key", "key", 2, "graded", "2011-03-01", None, "reached"),
    ("abc", "k-new", None, None, "not_graded", "2011-11-20", None, "not_graded"),
]


@pytest.fixture
def release(home: Path, policy_file: Path) -> Path:
    """A release of nine customers, written by hand with the columns of the marts."""
    policy_file.write_text(POLICIES, encoding="utf-8")
    control.begin_run("night", "night", [AS_OF], None, control.pointer().counter)
    versions = {p.name: p.version for p in policy.adopt("night")}
    folder = home / "var" / "release"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "current.duckdb")) as db:
        db.execute("""
            create schema marts;
            create table marts.dim_customer_ids (source varchar, customer_id varchar, customer_key varchar, because varchar);
            create table marts.dim_customers (customer_key varchar, as_of date, first_sale_on date);
            create table marts.rpt_tier_summary (
                policy varchar, tier varchar, tier_rank integer, label_en varchar, label_zh varchar, rule_kind varchar,
                share decimal(18, 10), bound decimal(18, 4), seats bigint, line_value decimal(18, 4),
                eligible_customers bigint, ranked_customers bigint, as_of date, policy_version varchar
            );
            create table marts.dim_customer_tiers (
                policy varchar, customer_key varchar, tier varchar, tier_rank integer, graded varchar, reason varchar,
                decision_rows varchar, tier_since date, score decimal(18, 4), rank_position bigint,
                gap_up decimal(18, 4), gap_down decimal(18, 4), as_of date, policy_version varchar, cause varchar
            );
            create table marts.tier_history (
                policy varchar, customer_key varchar, tier varchar, tier_rank integer, graded varchar, valid_from date,
                valid_to date, reason varchar, policy_version varchar, cause varchar
            );
        """)
        db.executemany("insert into marts.dim_customer_ids values (?, ?, ?, 'own record')", IDS)
        for key in sorted({key for _, _, key in IDS}):
            first = FIRST_SALES.get(key, None if key == "k-prospect" else "2010-01-04")
            db.execute("insert into marts.dim_customers values (?, ?, ?)", [key, AS_OF, first])
        for row in LINES:
            marks = ", ".join("?" * 14)
            db.execute(f"insert into marts.rpt_tier_summary values ({marks})", [*row, AS_OF, versions[row[0]]])
        for row in TIERS:
            marks = ", ".join("?" * 14)
            db.execute(f"insert into marts.dim_customer_tiers values ({marks}, null)", [*row, AS_OF, versions[row[0]]])
        for row in HISTORY:
            marks = ", ".join("?" * 9)
            db.execute(f"insert into marts.tier_history values ({marks}, null)", [*row, versions[row[0]]])
    return folder


SENTENCES = [
    pytest.param("shop:17850", "pyramid", "", "", id="reached"),
    pytest.param("shop:14646", "pyramid", "", "", id="top_tier_has_no_gap_up"),
    pytest.param("shop:12347", "pyramid", "", "", id="otherwise_tier_has_no_gap_down"),
    pytest.param("shop:12348", "pyramid", "", "", id="more_refunds_than_sales"),
    pytest.param("shop:12349", "pyramid", "", "", id="a_tie_that_does_not_fit_the_seats"),
    pytest.param("shop:18000", "pyramid", "", "", id="provisional"),
    pytest.param("shop:18001", "pyramid", "", "", id="provisional_with_a_null_measure"),
    pytest.param("shop:15000", "abc", "", "", id="a_penny_below_half_a_million"),
    pytest.param("shop:14646", "abc", "", "", id="above_leaves_its_bound_out"),
    pytest.param("shop:12347", "abc", "", "", id="exactly_on_the_line"),
    pytest.param("shop:18000", "abc", "", "", id="not_graded_too_new"),
    pytest.param("shop:18001", "abc", "", "", id="not_graded_null_measure"),
    pytest.param("shop:17850", "by_orders", "", "", id="a_tier_without_seats"),
    pytest.param("shop:14646", "by_orders", "", "", id="held"),
]


@pytest.mark.parametrize(("customer", "name", "english", "chinese"), SENTENCES)
def test_one_sentence(release: Path, customer: str, name: str, english: str, chinese: str) -> None:
    explanation = policy.why(customer, policy=name)
    print(explanation.sentence_en)
    print(explanation.sentence_zh)
    assert explanation.sentence_en == english
    assert explanation.sentence_zh == chinese
