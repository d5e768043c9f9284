"""Nights one after another, again, late, rolled back: the same rows always give the same tiers."""

from __future__ import annotations

import shutil
from decimal import Decimal

import pytest

BOB, ANN, CID, DEE, EVE, FAY = "bob", "ann", "cid", "dee", "eve", "fay"
LISTED = '        list_price: {sql: amount, type: money}\n        quantity: {value: "1"}\n'
HISTORY = """
    select policy, customer_key, tier, graded, valid_from, valid_to, reason, cause, policy_version
    from tier_history order by all"""


@pytest.fixture(scope="module")
def at_once(make_company, three_nights):
    """The same deliveries as the three nights, decided by one backfill."""
    company = make_company()
    for delivered in (three_nights.home / "inbox").rglob("*.*"):
        company.write(str(delivered.relative_to(three_nights.home)), delivered.read_text())
    company.backfill("2024-01-30", "2024-02-01")
    return company


@pytest.fixture(scope="module")
def fourth_night(three_nights, tmp_path_factory):
    """A night on which much comes together; its tests look at one thing each."""
    shop = three_nights.copy_to(tmp_path_factory.mktemp("fourth") / "shop")
    shop.deliver(
        "orders_2024-02-02.csv",
        [
            ("o4", 1, DEE, "2024-01-30 12:00", "11.00", "2024-02-02 08:00"),  # was 10.00
            ("o12", 1, FAY, "2024-02-01 09:30", "1.00", "2024-02-02 08:30"),  # was Eve's, the only one she had
            ("o13", 1, DEE, "2024-02-02 09:00", "1.00", None),
        ],
    )
    shop.deliver(
        "orders_2024-01-31_found_later.csv",
        [("o20", 1, BOB, "2024-01-31 15:00", "50.00", None), ("o21", 1, ANN, "2024-01-31 16:00", "2.00", None)],
    )
    again = (shop.home / "inbox/orders/orders_2024-02-01.csv").read_text()
    shop.write("inbox/orders/orders_2024-02-01_sent_twice.csv", again)
    shop.write("inbox/calls/calls_2024-02-02.jsonl", '{"call": "c9", "cust')
    shop.replace("config/tier_policies.yml", "top_share: 0.5}", "top_share: 0.75}")
    shop.replace("config/tier_policies.yml", "top_share: 0.25}", "top_share: 0.5}")
    for left_behind in (
        "lake/accepted/orders/orders-0123456789ab.2024-02-02-night-dead.parquet",
        "lake/quarantine/orders/orders-0123456789ab.2024-02-02-night-dead.parquet",
        "lake/decisions/2024-02-02-night-dead/tier_states_last.parquet",
        "work/2024-02-02-night-dead/build.duckdb",
        "release/.building/2024-02-02-night-dead/manifest.json",
        "release/2024-02-02.1/half.txt",  # a crash between the folder and the commit
    ):
        shop.write(f"var/{left_behind}", "half a file")
    shop.run("2024-02-02")
    return shop


def _delivery(shop, name):
    counts = "status, delivered_rows, accepted_rows, duplicate_rows, quarantined_rows, left_out_rows"
    ((found),) = shop.marts(f"select {counts} from ops_deliveries where name = '{name}'")
    return found


def _revenue(shop):
    return dict(shop.marts("select customer_id, net_revenue_12m from dim_customers"))


# --- three nights, by hand ------------------------------------------------------------------------------------------


def test_the_tiers_of_every_night_are_those_counted_by_hand(three_nights):
    decided = three_nights.marts("""
        select day, customer_id, tier
        from (values (date '2024-01-30'), (date '2024-01-31'), (date '2024-02-01')) as days (day),
            tiers_on(day) join dim_customer_ids using (customer_key)
        where policy = 'pyramid'
        order by all""")
    by_day = {}
    for day, customer, tier in decided:
        by_day.setdefault(str(day), {})[customer] = tier
    assert by_day == {
        "2024-01-30": {BOB: "top", CID: "middle", ANN: "rest", DEE: "rest"},  # 90, 60, 42.50, 10: seats 1 and 2
        "2024-01-31": {ANN: "middle", BOB: "rest", DEE: "rest", CID: "rest"},  # 92.50, 91, 15, 0: seats 0 and 1 of 3
        "2024-02-01": {ANN: "top", BOB: "middle", DEE: "rest", EVE: "rest", CID: "rest"},  # 122.50, 93, 18, 1, 0
    }


def test_an_order_shows_the_tier_of_the_last_decision_before_its_day(three_nights):
    shown = three_nights.marts(
        "select order_id, line_id, tier_at_order from fct_orders order by ordered_at, order_id, line_id"
    )
    assert shown == [
        ("o1", "1", None), ("o1", "2", None), ("o2", "1", None), ("o3", "1", None), ("o4", "1", None),
        ("o5", "1", "rest"), ("o6", "1", "middle"), ("o7", "1", "rest"), ("o8", "1", "top"),
        ("o9", "1", "middle"), ("o10", "1", "rest"), ("o11", "1", "rest"), ("o12", "1", None),
    ]  # fmt: skip


def test_nights_one_after_another_are_one_backfill(three_nights, at_once):
    assert three_nights.differences(at_once) == []


def test_nights_that_go_on_release_what_building_everything_anew_does(shop):
    def month(release, name):
        [file] = (shop.home / f"var/release/{release}/parquet/fct_orders/month={name}").glob("*.parquet")
        return file

    before, first, second = "2024-02-01.1", "2024-02-02.1", "2024-02-03.1"
    of_february = [(f"o2{n}", 1, DEE, "2024-02-02 09:00", "1.00", None) for n in range(3)]
    shop.deliver("orders_2024-02-02.csv", of_february)
    assert "built anew" not in shop.run("2024-02-02").said
    assert month(first, "2024-01").samefile(month(before, "2024-01"))  # nothing moved in January
    assert not month(first, "2024-02").samefile(month(before, "2024-02"))

    o4_corrected = ("o4", 1, DEE, "2024-02-03 12:00", "11.00", "2024-02-03 13:00")  # was of 30 January
    shop.deliver("orders_2024-02-03.csv", [o4_corrected, *((f"o3{n}", *row[1:]) for n, row in enumerate(of_february))])
    shop.run("2024-02-03")
    assert shop.ask_files(f"from '{month(second, '2024-01')}' where order_id = 'o4'") == []
    assert shop.marts("select ordered_on::varchar, net_amount from fct_orders where order_id = 'o4'") == [
        ("2024-02-03", Decimal("11.00"))
    ]
    told = "select order_id, line_id, customer_key, net_amount, tier_at_order from"
    files = shop.home / f"var/release/{second}/parquet/fct_orders/*/*.parquet"
    assert shop.ask_files(f"{told} '{files}' order by all") == shop.marts(f"{told} fct_orders order by all")
    assert [shop.tierwise("release", "verify", release).code for release in (first, second)] == [0, 0]


def test_what_a_backfill_ends_with_can_be_decided_again_without_its_build_folders(at_once, three_nights, tmp_path):
    again = at_once.copy_to(tmp_path / "again")
    for cache in ("work", "dbt"):
        shutil.rmtree(again.home / "var" / cache)
    again.run("2024-02-01")
    assert again.current == "2024-02-01.2"
    assert again.differences(three_nights) == []


def test_every_kept_release_can_be_rebuilt_from_its_manifest(three_nights):
    kept = [line.split("\t")[0] for line in three_nights.tierwise("release", "list").out.splitlines()[1:]]
    assert kept == ["2024-02-01.1", "2024-01-31.1", "2024-01-30.1"]
    for release in kept:
        answer = three_nights.tierwise("release", "verify", release)
        assert answer.code == 0, answer.said
        assert answer.out.count("True") > 12
        assert "False" not in answer.out


def test_a_release_that_was_built_from_another_file_does_not_verify(shop):
    accepted = next((shop.home / "var/lake/accepted/orders").glob("*.parquet"))
    accepted.write_bytes(accepted.read_bytes() + b" ")
    answer = shop.tierwise("release", "verify")
    assert answer.code == 1
    assert accepted.name in answer.said


# --- the night after ------------------------------------------------------------------------------------------------


def test_rows_that_arrive_late_change_the_next_decision(fourth_night):
    assert _revenue(fourth_night)[BOB] == Decimal("143.00")
    assert _revenue(fourth_night)[ANN] == Decimal("124.50")
    assert fourth_night.tiers() == {BOB: "top", ANN: "top", DEE: "middle", FAY: "rest", CID: "rest"}


def test_rows_that_arrive_late_change_no_decision_of_the_past(fourth_night, three_nights):
    before, after = three_nights.marts(HISTORY), set(fourth_night.marts(HISTORY))
    closed = [row for row in before if row[5] is not None]
    still_open = [row for row in before if row[5] is None]
    assert closed
    assert set(closed) <= after
    assert {row[:5] for row in still_open} <= {row[:5] for row in after}


def test_rows_that_arrive_late_are_known_on_the_day_that_took_them_and_counted_as_late(fourth_night):
    known = "select distinct known_on::varchar, ordered_on::varchar from fct_orders where order_id in ('o20', 'o21')"
    assert fourth_night.marts(known) == [("2024-02-02", "2024-01-31")]
    late = "select late_rows from ops_deliveries where name = 'orders_2024-01-31_found_later.csv'"
    assert fourth_night.marts(late) == [(2,)]


def test_a_newer_version_of_a_row_replaces_it(fourth_night):
    assert fourth_night.marts("select original_amount from fct_orders where order_id = 'o4'") == [(Decimal("11.00"),)]
    assert _revenue(fourth_night)[DEE] == Decimal("20.00")


def test_the_same_file_under_another_name_brings_nothing_new(fourth_night):
    assert _delivery(fourth_night, "orders_2024-02-01_sent_twice.csv") == ("accepted", 4, 0, 4, 0, 0)
    assert fourth_night.marts("select count(*) from fct_orders where order_id in ('o9', 'o10', 'o11', 'o12')") == [(4,)]


def test_a_customer_whose_only_order_was_somebody_elses_leaves_and_was_not_there_afterwards(fourth_night):
    eve = "policy = 'pyramid' and customer_key in (select customer_key from dim_customer_ids where customer_id = 'eve')"
    history = fourth_night.marts(f"select tier, valid_from::varchar, valid_to::varchar from tier_history where {eve}")
    assert history == [("rest", "2024-02-01", "2024-02-01")]
    assert fourth_night.marts(f"select count(*) from tiers_on('2024-02-02') where {eve}") == [(0,)]
    assert fourth_night.marts(f"select count(*) from dim_customer_tiers where {eve}") == [(0,)]
    assert fourth_night.marts("select is_prospect, tier from dim_customers where customer_id = 'eve'") == [(True, None)]
    assert _revenue(fourth_night)[FAY] == Decimal("1.00")


def test_a_broken_delivery_of_an_optional_source_delays_only_itself(fourth_night):
    status, *_ = _delivery(fourth_night, "calls_2024-02-02.jsonl")
    assert status == "refused"
    assert fourth_night.current == "2024-02-02.1"
    assert fourth_night.marts("select count(*) from fct_interactions") == [(3,)]


def test_a_changed_policy_is_a_new_version_and_the_past_keeps_the_old_one(fourth_night, three_nights):
    version = "select distinct policy_version from dim_customer_tiers where policy = 'pyramid'"
    ((old,),), ((new,),) = three_nights.marts(version), fourth_night.marts(version)
    assert old != new
    ended = "select distinct policy_version from tier_history where policy = 'pyramid' and valid_to < date '2024-02-01'"
    assert fourth_night.marts(ended) == [(old,)]
    kept = fourth_night.tierwise("why", "bob", "--as-of", "2024-02-01")
    assert kept.code == 0
    assert old in kept.out


def test_what_a_dead_run_left_behind_is_swept(fourth_night):
    left = [
        str(path) for path in (fourth_night.home / "var").rglob("*") if "dead" in str(path) or path.name == "half.txt"
    ]
    assert left == []


def test_releases_of_three_days_stay_and_an_older_one_can_no_longer_be_rolled_back_to(fourth_night):
    folders = {folder.name for folder in (fourth_night.home / "var/release").glob("2024-*")}
    assert folders == {"2024-01-31.1", "2024-02-01.1", "2024-02-02.1"}
    answer = fourth_night.tierwise("release", "rollback", "--to", "2024-01-30.1")
    assert answer.code == 2
    assert "2024-01-30.1 was removed by retention" in answer.said
    assert fourth_night.current == "2024-02-02.1"


# --- back ------------------------------------------------------------------------------------------------------------


def test_a_rollback_brings_back_tables_and_decisions_and_the_day_can_be_decided_again(shop, three_nights):
    answer = shop.tierwise("release", "rollback")
    assert answer.code == 0, answer.said
    assert shop.current == "2024-01-31.1"
    assert shop.marts("select distinct as_of::varchar from dim_customer_tiers") == [("2024-01-31",)]
    assert shop.tiers() == {ANN: "middle", BOB: "rest", DEE: "rest", CID: "rest"}
    shop.run("2024-02-01")
    assert shop.current == "2024-02-01.2"
    assert shop.differences(three_nights) == []
    parents = {line.split("\t")[0]: line.split("\t")[3] for line in shop.tierwise("release", "list").out.splitlines()}
    assert parents["2024-02-01.2"] == "2024-01-31.1"


def test_two_nights_back_nothing_of_the_later_ones_is_left_in_what_customers_paid_of_list_prices(company):
    company.replace("config/sources.yml", "        amount: amount\n", "        amount: amount\n" + LISTED)
    for day, customer in (("2024-01-30", ANN), ("2024-01-31", BOB), ("2024-02-01", ANN)):
        company.deliver(f"orders_{day}.csv", [(f"o{day}", 1, customer, f"{day} 09:00", "10.00", None)])
        company.run(day)
    assert company.tierwise("release", "rollback", "--to", "2024-01-30.1").code == 0
    company.run("2024-01-31")
    assert company.marts("select listed_purchases_12m from rpt_customer_needs") == [(1,), (1,)]
    verified = company.tierwise("release", "verify")
    assert verified.code == 0, verified.said


# --- days that may not be run ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("run", "--as-of", "2024-01-31"), "decisions are never rewritten"),
        (("backfill", "--from", "2024-01-29", "--to", "2024-02-02"), "decisions are never rewritten"),
        (("backfill", "--from", "2024-02-01", "--to", "2024-02-02"), "decisions are never rewritten"),
        (("run", "--as-of", "2024-03-01"), "after 2024-02-29, the last day"),
        (("run", "--as-of", "yesterday"), "is no day"),
    ],
)
def test_a_day_that_may_not_be_run_is_refused_before_anything_is_touched(three_nights, command, says):
    answer = three_nights.tierwise(*command)
    assert answer.code == 2
    assert says in answer.said
    assert "What to do:" in answer.said
    assert three_nights.current == "2024-02-01.1"


def test_a_day_that_is_not_over_is_refused(company):
    company.replace("config/company.yml", "clock: {last_day: 2024-02-29}\n", "")
    answer = company.tierwise("run", "--as-of", "2999-01-01")
    assert answer.code == 2
    assert "not over yet in Europe/London" in answer.said
