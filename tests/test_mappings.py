"""A changed mapping reads what landed anew: what it reads otherwise is corrected, from that night on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .conftest import SOURCES

COLUMNS = ("order", "line", "customer", "at", "amount", "fee", "what", "updated")
AS_IT_WAS = """\
        amount: amount
        kind: {from: what, codes: {sold: sale, undone: refund}}
"""
AS_IT_SHOULD_BE = """\
        amount: {sql: "amount + fee"}
        kind: {from: what, codes: {sold: sale, undone: refund, returned: refund}}
"""
LEAVE_OUT = """\
      leave_out:
        - {sql: "customer = 'tester'", because: "only a test"}
"""
FIRST = [
    ("plain", 1, "ann", "2024-01-30 09:00", "40.00", "0.00", "sold", None),
    ("charged", 1, "bob", "2024-01-30 09:00", "39.00", "2.50", "sold", None),
    ("corrected", 1, "cid", "2024-01-30 09:00", "60.00", "1.00", "sold", "2024-01-30 09:00"),
    ("tried", 1, "tester", "2024-01-30 09:00", "999.00", "0.00", "sold", None),
    ("back", 1, "ann", "2024-01-30 10:00", "-5.00", "0.00", "returned", None),
    ("more", 1, "dee", "2024-01-30 10:00", "7.00", "0.00", "sold", None),
]
SECOND = [
    ("corrected", 1, "cid", "2024-01-30 09:00", "70.00", "1.00", "sold", "2024-01-31 09:00"),
    ("next", 1, "bob", "2024-01-31 09:00", "10.00", "0.50", "sold", None),
    ("then", 1, "dee", "2024-01-31 09:00", "1.00", "0.00", "sold", None),
]
VALUE = """
    select ids.customer_id, value.net_revenue_12m, value.orders_12m, value.tenure_days
    from fct_customer_value as value join dim_customer_ids as ids using (customer_key)
    where value.is_latest and not value.is_prospect order by all"""
ORDERS = "select order_id, line_id, kind, original_amount, net_amount, ordered_on from fct_orders order by all"


def _sources(orders, leave_out=""):
    before = SOURCES[SOURCES.index("        amount: amount\n") : SOURCES.index("        updated_at")]
    text = SOURCES.replace(before, f"{orders}        currency: {{value: GBP}}\n")
    return text.replace("- name: desk", f"{leave_out}- name: desk")


def _deliver_both(company):
    company.deliver("orders_2024-01-30.csv", FIRST, COLUMNS)
    company.deliver("orders_2024-01-31.csv", SECOND, COLUMNS)


@pytest.fixture(scope="module")
def before(make_company):
    """Two days by a mapping that forgets a fee, does not know a word, and takes a test for an order."""
    company = make_company(sources=_sources(AS_IT_WAS))
    _deliver_both(company)
    company.backfill("2024-01-30", "2024-01-31")
    return company


@pytest.fixture(scope="module")
def mended(before, tmp_path_factory):
    """The mapping was mended, and a night without any delivery went by."""
    company = before.copy_to(tmp_path_factory.mktemp("mended") / "shop")
    company.write("config/sources.yml", _sources(AS_IT_SHOULD_BE, LEAVE_OUT))
    return company, company.run("2024-02-01")


def test_facts_and_values_are_what_they_would_be_had_the_mapping_always_been_so(mended, make_company):
    always = make_company(sources=_sources(AS_IT_SHOULD_BE, LEAVE_OUT))
    _deliver_both(always)
    always.run("2024-02-01")
    company, _ = mended
    assert company.marts(ORDERS) == always.marts(ORDERS)
    assert company.marts(VALUE) == always.marts(VALUE)
    assert company.marts("select net_amount from fct_orders where order_id = 'corrected'") == [(Decimal(71),)]


def test_the_night_says_what_it_reads_anew_and_every_row_is_in_one_place(mended):
    company, answer = mended
    assert "the mapping of shop · orders changed: 2 files are read anew" in answer.said
    counts = "name, delivered_rows, accepted_rows, duplicate_rows, quarantined_rows, left_out_rows, withdrawn_versions"
    assert company.marts(f"select {counts} from ops_deliveries where stream = 'orders' order by name") == [
        ("orders_2024-01-30.csv", 6, 5, 0, 1, 0, 0),
        ("orders_2024-01-30.csv, reading 2", 6, 3, 2, 0, 1, 1),
        ("orders_2024-01-31.csv", 3, 3, 0, 0, 0, 0),
        ("orders_2024-01-31.csv, reading 2", 3, 2, 1, 0, 0, 0),
    ]
    assert company.marts(
        "select again.name from ops_deliveries as again join ops_deliveries as first"
        " on again.remapped_from = first.delivery_id and again.name = first.name || ', reading 2' order by all"
    ) == [("orders_2024-01-30.csv, reading 2",), ("orders_2024-01-31.csv, reading 2",)]


def test_what_was_decided_stays_and_what_changes_is_corrected_data(before, mended):
    company, _ = mended
    decided = "from tiers_on(date '2024-01-31') select policy, customer_key, tier order by all"
    assert company.marts(decided) == before.marts(decided)
    assert company.marts(
        "select from_tier, to_tier, cause, part_corrected_data from fct_tier_changes"
        " where as_of = '2024-02-01' and policy = 'by_amount' and to_tier is not null"
    ) == [("C", "B", "data_corrected", Decimal(3))]  # bob's fees of 2.50 and 0.50
    tester = "select is_prospect, tier from dim_customers where customer_id = 'tester'"
    assert (before.marts(tester), company.marts(tester)) == ([(False, "top")], [(True, None)])


def test_rows_in_quarantine_that_can_be_read_now_leave_it(before, mended):
    company, answer = mended
    assert "status_unknown" in before.tierwise("quarantine", "list").out
    assert "status_unknown" not in company.tierwise("quarantine", "list").out
    assert "in quarantine" not in answer.said


def test_a_night_later_nothing_is_read_again_and_all_can_be_rebuilt(mended, tmp_path):
    company = mended[0].copy_to(tmp_path / "shop")
    text = (company.home / "config/sources.yml").read_text()
    company.write("config/sources.yml", text.replace("only a test", "nobody's order"))  # other words, the same rows
    answer = company.run("2024-02-02")
    assert "read anew" not in answer.said
    assert company.marts(ORDERS) == mended[0].marts(ORDERS)
    assert company.tierwise("release", "verify").code == 0


def test_a_file_that_the_mapping_cannot_read_stands_as_it_was_read(before, tmp_path):
    company = before.copy_to(tmp_path / "shop")
    held = company.marts(ORDERS)
    company.write("config/sources.yml", _sources(AS_IT_SHOULD_BE.replace("fee", "fee_amount")))
    answer = company.run("2024-02-01")  # the source is required, and holds nothing up
    assert "odd, 2 times: config/sources.yml:6: the delivery has no column `fee_amount`" in answer.said
    assert "It stands as it was read before the mapping changed" in answer.said
    assert company.marts(ORDERS) == held
    assert "fee_amount" not in company.run("2024-02-02").said
    company.write("config/sources.yml", _sources(AS_IT_SHOULD_BE, LEAVE_OUT))
    assert "2 files are read anew" in company.run("2024-02-03").said
    assert company.marts("select original_amount from fct_orders where order_id = 'charged'") == [(Decimal("41.50"),)]


def test_a_file_that_retention_took_stands_as_it_was_read(before, tmp_path):
    company = before.copy_to(tmp_path / "shop")
    held = company.marts(ORDERS)
    for file in (company.home / "var/lake/landing/shop/orders").glob("*/*"):
        file.unlink()
    for file in (company.home / "inbox/orders").glob("*"):
        file.unlink()
    company.write("config/sources.yml", _sources(AS_IT_SHOULD_BE, LEAVE_OUT))
    answer = company.run("2024-02-01")
    assert "orders_2024-01-31.csv was removed by retention and cannot be read anew" in answer.said
    assert company.marts(ORDERS) == held


def test_an_order_loses_the_lines_left_out_goes_with_all_of_them_and_stays_where_one_is_bad_now(make_company):
    by_order = _sources(AS_IT_WAS).replace("line_id: line", "line_id: position_in_order")
    by_order = by_order.replace("    orders:\n", "    orders:\n      replaces: order\n", 1)
    company = make_company(sources=by_order)
    rows = [
        ("shrinks", 1, "ann", "2024-01-30 09:00", "1.00", "0.00", "sold", None),
        ("shrinks", 2, "ann", "2024-01-30 09:00", "2.00", "9.00", "sold", None),
        ("goes", 1, "bob", "2024-01-30 09:00", "3.00", "9.00", "sold", None),
        ("breaks", 1, "cid", "2024-01-30 09:00", "4.00", "0.00", "sold", None),
        ("breaks", 2, "cid", "2024-01-30 09:00", "-5.00", "0.00", "undone", None),
        *((f"other{n}", 1, "dee", "2024-01-30 09:00", "6.00", "0.00", "sold", None) for n in range(8)),
    ]
    company.deliver("orders_2024-01-30.csv", rows, COLUMNS)
    company.run("2024-01-30")
    changed = by_order.replace("undone: refund", "sold_back: refund")
    changed = changed.replace("- name: desk", LEAVE_OUT.replace("customer = 'tester'", "fee = '9.00'") + "- name: desk")
    company.write("config/sources.yml", changed)
    company.run("2024-01-31")
    lines = "select order_id, line_id, original_amount from fct_orders where order_id not like 'other%' order by all"
    assert company.marts(lines) == [
        ("breaks", "1", Decimal(4)),
        ("breaks", "2", Decimal(-5)),
        ("shrinks", "1", Decimal(1)),
    ]
    counts = "accepted_rows, duplicate_rows, quarantined_rows, left_out_rows, withdrawn_versions"
    assert company.marts(f"select {counts} from ops_deliveries where name like '%reading 2'") == [(1, 8, 2, 2, 1)]


def test_a_key_that_is_made_otherwise_takes_the_place_of_the_old_one(before, tmp_path):
    company = before.copy_to(tmp_path / "shop")
    text = _sources(AS_IT_WAS).replace("order_id: order", 'order_id: {sql: "\'web-\' || \\"order\\""}')
    company.write("config/sources.yml", text)
    company.run("2024-02-01")
    assert company.marts("select order_id from fct_orders order by 1") == [
        (f"web-{order}",) for order in ("charged", "corrected", "more", "next", "plain", "then", "tried")
    ]
    assert company.marts("select original_amount from fct_orders where order_id = 'web-corrected'") == [(Decimal(70),)]
