"""What a sales director reads about one customer, word for word, in both languages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
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
    (
        "pyramid",
        "k-new",
        "key",
        2,
        "provisional",
        "provisional",
        "3",
        "2011-11-20",
        "15000.00",
        190,
        "30000.51",
        "2655.00",
    ),
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
    pytest.param(
        "shop:17850",
        "pyramid",
        "Customer shop:17850 has been Key since 1 March 2011 (Value pyramid): "
        "with net revenue (12 months) of £29,411 it reaches the line of £12,345 for Key (top 5%), and ranks 87 of 4,286; "
        "£15,589.51 more would make it VIP, and a fall of more than £17,066 would cost it Key; "
        "next review on 10 December 2011.",
        "客户 shop:17850 自2011年3月1日起为大客户（客户价值金字塔）："
        "近12个月净营收为£2.94万，达到大客户（前5%）的分级线£1.23万，在4,286名客户中排第87位；"
        "再增加£1.56万可升为VIP客户，减少超过£1.7万将失去大客户等级；"
        "下次评定："
        "2011年12月10日。",
        id="reached",
    ),
    pytest.param(
        "shop:14646",
        "pyramid",
        "Customer shop:14646 became VIP on 9 December 2011 (Value pyramid): "
        "with net revenue (12 months) of £123,456.78 it reaches the line of £45,000.50 for VIP (top 1%), and ranks 3 of 4,286; "
        "there is no tier above, and a fall of more than £78,456.28 would cost it VIP; "
        "next review on 10 December 2011.",
        "客户 shop:14646 于2011年12月9日评为VIP客户（客户价值金字塔）："
        "近12个月净营收为£12.35万，达到VIP客户（前1%）的分级线£4.5万，在4,286名客户中排第3位；"
        "已是最高等级，减少超过£7.84万将失去VIP客户等级；"
        "下次评定："
        "2011年12月10日。",
        id="top_tier_has_no_gap_up",
    ),
    pytest.param(
        "shop:12347",
        "pyramid",
        "Customer shop:12347 has been Small since 1 June 2011 (Value pyramid): "
        "with net revenue (12 months) of £410.20 it does not reach the line of £12,345 for Key (top 5%), and ranks 2,950 of 4,286; "
        "£11,934.81 more would make it Key; "
        "next review on 10 December 2011.",
        "客户 shop:12347 自2011年6月1日起为小客户（客户价值金字塔）："
        "近12个月净营收为£410.20，未达到大客户（前5%）的分级线£1.23万，在4,286名客户中排第2,950位；"
        "再增加£1.2万可升为大客户；"
        "下次评定："
        "2011年12月10日。",
        id="otherwise_tier_has_no_gap_down",
    ),
    pytest.param(
        "shop:12348",
        "pyramid",
        "Customer shop:12348 has been Small since 1 June 2011 (Value pyramid): "
        "with net revenue (12 months) of -£12.50 it does not reach the line of £12,345 for Key (top 5%), and ranks 4,288, behind all 4,286 customers above 0; "
        "£12,357.51 more would make it Key; "
        "next review on 10 December 2011.",
        "客户 shop:12348 自2011年6月1日起为小客户（客户价值金字塔）："
        "近12个月净营收为-£12.50，未达到大客户（前5%）的分级线£1.23万，排第4,288位，在4,286名数值为正的客户之后；"
        "再增加£1.24万可升为大客户；"
        "下次评定："
        "2011年12月10日。",
        id="more_refunds_than_sales",
    ),
    pytest.param(
        "shop:12349",
        "pyramid",
        "Customer shop:12349 has been Small since 1 June 2011 (Value pyramid): "
        "with net revenue (12 months) of £12,345 it stands on the line for Key (top 5%), but behind its last seat, and ranks 216 of 4,286; "
        "£0.01 more would make it Key; "
        "next review on 10 December 2011.",
        "客户 shop:12349 自2011年6月1日起为小客户（客户价值金字塔）："
        "近12个月净营收为£1.23万，与大客户（前5%）的分级线持平，但排在最后一个名额之后，在4,286名客户中排第216位；"
        "再增加£0.01可升为大客户；"
        "下次评定："
        "2011年12月10日。",
        id="a_tie_that_does_not_fit_the_seats",
    ),
    pytest.param(
        "shop:18000",
        "pyramid",
        "Customer shop:18000 has been provisionally Key since 20 November 2011 (Value pyramid): "
        "it first bought on 20 November 2011 and can be graded from 18 February 2012 on; "
        "with net revenue (12 months) of £15,000 it reaches the line of £12,345 for Key (top 5%), and would rank 190 of 4,286; "
        "£30,000.51 more would make it VIP, and a fall of more than £2,655 would cost it Key; "
        "next review on 10 December 2011.",
        "客户 shop:18000 自2011年11月20日起暂列大客户（客户价值金字塔）："
        "首次购买于2011年11月20日，自2012年2月18日起可正式分级；"
        "近12个月净营收为£1.5万，达到大客户（前5%）的分级线£1.23万，在4,286名客户中相当于排第190位；"
        "再增加£3.01万可升为VIP客户，减少超过£2,655将失去大客户等级；"
        "下次评定："
        "2011年12月10日。",
        id="provisional",
    ),
    pytest.param(
        "shop:18001",
        "pyramid",
        "Customer shop:18001 has been provisionally Small since 1 November 2011 (Value pyramid): "
        "nothing is known of its net revenue (12 months), so it cannot be graded; "
        "next review on 10 December 2011.",
        "客户 shop:18001 自2011年11月1日起暂列小客户（客户价值金字塔）："
        "近12个月净营收未知，因此无法正式分级；"
        "下次评定："
        "2011年12月10日。",
        id="provisional_with_a_null_measure",
    ),
    pytest.param(
        "shop:15000",
        "abc",
        "Customer shop:15000 has been B since 2 May 2011 (ABC by amount): "
        "with net revenue (12 months) of £499,999.99 it reaches the line of £2,500 for B, and ranks 2 of 4,296; "
        "£0.02 more would make it A, and a fall of more than £497,499.99 would cost it B; "
        "next review on 10 December 2011.",
        "客户 shop:15000 自2011年5月2日起为B类（金额ABC分级）："
        "近12个月净营收为£499,999.99，达到B类的分级线£2,500，在4,296名客户中排第2位；"
        "再增加£0.02可升为A类，减少超过£49.74万将失去B类等级；"
        "下次评定："
        "2011年12月10日。",
        id="a_penny_below_half_a_million",
    ),
    pytest.param(
        "shop:14646",
        "abc",
        "Customer shop:14646 has been A since 2 May 2011 (ABC by amount): "
        "with net revenue (12 months) of £1,234,567 it passes the line of £500,000 for A, and ranks 1 of 4,296; "
        "there is no tier above, and a fall of £734,567 would cost it A; "
        "next review on 10 December 2011.",
        "客户 shop:14646 自2011年5月2日起为A类（金额ABC分级）："
        "近12个月净营收为£123.46万，超过A类的分级线£50万，在4,296名客户中排第1位；"
        "已是最高等级，减少£73.45万将失去A类等级；"
        "下次评定："
        "2011年12月10日。",
        id="above_leaves_its_bound_out",
    ),
    pytest.param(
        "shop:12347",
        "abc",
        "Customer shop:12347 has been B since 2 May 2011 (ABC by amount): "
        "with net revenue (12 months) of £2,500 it reaches the line of £2,500 for B, and ranks 900 of 4,296; "
        "£497,500.01 more would make it A, and any fall would cost it B; "
        "next review on 10 December 2011.",
        "客户 shop:12347 自2011年5月2日起为B类（金额ABC分级）："
        "近12个月净营收为£2,500，达到B类的分级线£2,500，在4,296名客户中排第900位；"
        "再增加£49.76万可升为A类，稍有减少即失去B类等级；"
        "下次评定："
        "2011年12月10日。",
        id="exactly_on_the_line",
    ),
    pytest.param(
        "shop:18000",
        "abc",
        "Customer shop:18000 is not graded (ABC by amount): "
        "it first bought on 20 November 2011 and can be graded from 20 December 2011 on; "
        "so far it has net revenue (12 months) of £15,000; "
        "next review on 10 December 2011.",
        "客户 shop:18000 暂不参与分级（金额ABC分级）："
        "首次购买于2011年11月20日，自2011年12月20日起可正式分级；"
        "目前近12个月净营收为£1.5万；"
        "下次评定："
        "2011年12月10日。",
        id="not_graded_too_new",
    ),
    pytest.param(
        "shop:18001",
        "abc",
        "Customer shop:18001 is not graded (ABC by amount): "
        "nothing is known of its net revenue (12 months), so it cannot be graded; "
        "next review on 10 December 2011.",
        "客户 shop:18001 暂不参与分级（金额ABC分级）：近12个月净营收未知，因此无法正式分级；下次评定：2011年12月10日。",
        id="not_graded_null_measure",
    ),
    pytest.param(
        "shop:17850",
        "by_orders",
        "Customer shop:17850 has been Rest since 1 March 2011 (By orders): "
        "with orders (12 months) of 31 it cannot reach Best today, as the top 1% of 60 customers is less than one seat, and ranks 1 of 60; "
        "next review on 10 December 2011.",
        "客户 shop:17850 自2011年3月1日起为其他（订单数分级）："
        "近12个月订单数为31，今日无法升入尖子（60名客户的1%不足一个名额），在60名客户中排第1位；"
        "下次评定："
        "2011年12月10日。",
        id="a_tier_without_seats",
    ),
    pytest.param(
        "shop:14646",
        "by_orders",
        "Customer shop:14646 keeps Rest, held since 1 March 2011 (By orders): "
        "with orders (12 months) of 1,200 it cannot reach Best today, as the top 1% of 60 customers is less than one seat, and ranks 1 of 60; "
        "the minimum stay is not over; "
        "next review on 10 December 2011.",
        "客户 shop:14646 保留自2011年3月1日起的其他等级（订单数分级）："
        "近12个月订单数为1,200，今日无法升入尖子（60名客户的1%不足一个名额），在60名客户中排第1位；"
        "最短保级期未满；"
        "下次评定："
        "2011年12月10日。",
        id="held",
    ),
]


@pytest.mark.parametrize(("customer", "name", "english", "chinese"), SENTENCES)
def test_one_sentence(release: Path, customer: str, name: str, english: str, chinese: str) -> None:
    explanation = policy.why(customer, policy=name)
    assert explanation.sentence_en == english
    assert explanation.sentence_zh == chinese


def test_the_numbers_stand_beside_the_sentence(release: Path) -> None:
    e = policy.why("shop:17850")
    assert (e.policy, e.tier, e.tier_rank, e.graded, e.reason) == ("pyramid", "key", 2, "graded", "reached")
    assert (e.value, e.gap_up, e.gap_down) == (Decimal("29411.00"), Decimal("15589.51"), Decimal("17066.00"))
    assert (e.rank_position, e.ranked_customers, e.currency, e.unit) == (87, 4286, "GBP", "money")
    assert e.line is not None
    assert e.line_above is not None
    assert (e.line.value, e.line.seats, e.line_above.tier) == (Decimal("12345.00"), 214, "vip")
    assert (e.first_sale_on, e.next_review) == (date(2010, 12, 1), date(2011, 12, 10))


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("k-key", id="by_key"),
        pytest.param("shop:17850", id="by_source_and_id"),
        pytest.param("desk:K-9", id="by_the_id_of_another_source"),
        pytest.param(" 17850 ", id="by_an_id_that_only_one_customer_has"),
    ],
)
def test_a_customer_is_found(release: Path, asked: str) -> None:
    assert policy.why(asked).customer_key == "k-key"


def test_the_customer_is_called_by_the_name_that_was_asked_for(release: Path) -> None:
    assert policy.why("K-9").sentence_en.startswith("Customer desk:K-9 has been Key")


def test_an_id_of_two_customers_is_asked_back(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="'12347' may be 2 customers: desk:12347, shop:12347") as refused:
        policy.why("12347")
    assert refused.value.exit_code == 2


def test_an_unknown_customer_is_answered_with_the_nearest(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="no customer is called '17851'") as refused:
        policy.why("17851")
    assert refused.value.hint.startswith("the nearest are shop:17850")


def test_quotes_in_a_customer_are_only_letters(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="no customer is called"):
        policy.why("' or 1 = 1 --")


def test_a_prospect_has_no_tier_to_explain(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="shop:99999 has no decision in pyramid"):
        policy.why("99999")


def test_an_unknown_policy_is_answered_with_the_nearest(release: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="no policy 'pyramide'; did you mean pyramid"):
        policy.why("17850", policy="pyramide")


def test_before_the_first_release_nobody_has_a_tier(home: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="there is no release yet"):
        policy.why("17850")


def test_tomorrow_is_not_decided_yet(release: Path) -> None:
    with pytest.raises(
        ConfigurationRefused, match="2011-12-10 is not decided yet: the current release describes 2011-12-09"
    ):
        policy.why("17850", as_of=date(2011, 12, 10))


@pytest.mark.parametrize(
    ("name", "customer", "as_of", "english", "chinese"),
    [
        pytest.param(
            "pyramid",
            "shop:17850",
            date(2011, 2, 28),
            "Customer shop:17850 on 28 February 2011 (Value pyramid), as decided then: it has been provisionally Small"
            " since 10 December 2010; the value and the line of that day are not in the current release.",
            "客户 shop:17850 在2011年2月28日的评定结果（客户价值金字塔，以当时的评定为准）：自2010年12月10日起暂列小客户；"
            "当前发布中没有当日的数值和分级线。",
            id="the_last_day_of_an_interval",
        ),
        pytest.param(
            "pyramid",
            "shop:17850",
            date(2011, 3, 1),
            "Customer shop:17850 on 1 March 2011 (Value pyramid), as decided then: it became Key on 1 March 2011;"
            " the value and the line of that day are not in the current release.",
            "客户 shop:17850 在2011年3月1日的评定结果（客户价值金字塔，以当时的评定为准）：于2011年3月1日评为大客户；"
            "当前发布中没有当日的数值和分级线。",
            id="the_first_day_of_the_next",
        ),
        pytest.param(
            "abc",
            "shop:18000",
            date(2011, 12, 1),
            "Customer shop:18000 on 1 December 2011 (ABC by amount), as decided then: it was not graded (since"
            " 20 November 2011); the value and the line of that day are not in the current release.",
            "客户 shop:18000 在2011年12月1日的评定结果（金额ABC分级，以当时的评定为准）：自2011年11月20日起未参与分级；"
            "当前发布中没有当日的数值和分级线。",
            id="not_graded_back_then",
        ),
    ],
)
def test_a_past_day_is_told_as_decided(
    release: Path, name: str, customer: str, as_of: date, english: str, chinese: str
) -> None:
    explanation = policy.why(customer, policy=name, as_of=as_of)
    assert (explanation.sentence_en, explanation.sentence_zh) == (english, chinese)
    assert (explanation.value, explanation.line, explanation.next_review) == (None, None, None)


def test_a_day_before_the_first_decision_has_no_tier(release: Path) -> None:
    with pytest.raises(
        ConfigurationRefused, match="no tier of shop:17850 in pyramid was in force on 2010-12-01"
    ) as refused:
        policy.why("17850", as_of=date(2010, 12, 1))
    assert refused.value.hint == "the first decision about them is of 2010-12-10"


def test_a_policy_changed_since_is_explained_as_it_was_decided(release: Path, policy_file: Path) -> None:
    before = policy.why("17850").sentence_en
    policy_file.write_text(POLICIES.replace("top_share: 0.05", "top_share: 0.10").replace("en: Key", "en: Major"))
    assert policy.why("17850").sentence_en == before


def test_a_policy_retired_since_is_still_explained(release: Path, policy_file: Path) -> None:
    policy_file.unlink()
    assert policy.why("17850").tier == "key"
