"""Seats, stays, overrides, calendars and versions, night after night: what people decided and what the rules decided."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

DAYS = ("2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02", "2024-02-03")
LATEST = DAYS[-1]
SHEET = """\
- name: sheet
  required: false
  kind: files
  time_zone: Europe/London
  streams:
    tier_overrides:
      from: inbox/overrides/*.csv
      known_on: {from_name: "overrides_%Y-%m-%d"}
      columns:
        policy: policy
        customer_id: customer
        customer_source: {value: shop}
        from: first
        until: last
        tier: tier
        reason: why
        author: who
    existing_tiers:
      from: inbox/existing/*.csv
      known_on: {from_name: "existing_%Y-%m-%d"}
      columns:
        policy: policy
        customer_id: customer
        customer_source: {value: shop}
        tier: tier
        author: who
"""
POLICIES = """\
seats:
  status: active
  primary: true
  labels: {en: Seats, zh: 席位}
  measure: net_revenue_12m
  then_by: [orders_12m]
  tiers:
    - {tier: gold, labels: {en: Gold, zh: 金牌}, at_least: 100, seat_cap: 4}
    - {tier: silver, labels: {en: Silver, zh: 银牌}, at_least: 50}
    - {tier: bronze, labels: {en: Bronze, zh: 铜牌}, otherwise: true}
  stability: {minimum_stay_days: 3, maximum_steps_down: 1}
monthly:
  status: shadow
  labels: {en: Monthly, zh: 按月}
  measure: net_revenue_12m
  tiers:
    - {tier: big, labels: {en: Big, zh: 大}, at_least: 100}
    - {tier: small, labels: {en: Small, zh: 小}, otherwise: true}
  review_calendar: monthly
by_amount:
  status: shadow
  labels: {en: By amount, zh: 按金额}
  measure: net_revenue_12m
  tiers:
    - {tier: A, labels: {en: A, zh: A类}, at_least: 100}
    - {tier: B, labels: {en: B, zh: B类}, otherwise: true}
"""
# Net revenue by day:  30/1  31/1   1/2   2/2   3/2      gold takes four; the tiers on the last day are
#   gus                  -     -     -    200   200      gold    a newcomer with a seat
#   ann                120   120   120    120   120      gold
#   kay                 50   115   115    115   115      gold    waited two days for it
#   bob                110   110   110    110   110      gold
#   cid                105   105   105    105   105      silver  waits, the fifth of four
#   dee, hal            60    60    60     60   102      silver  wait behind him, and are equal
#   leo                130   130   130     70    70      silver  was gold until his stay was over
#   fay                 40    40    40     40    41      silver  had gold before all this
#   ida                 30    30    30     32    33      bronze  a sheet says silver, from 31/1 to 2/2
#   eve                 10    10    15     15    15      bronze  by command gold, until 1/2
SOLD = {
    "2024-01-30": [
        ("leo", "130.00"), ("ann", "120.00"), ("bob", "110.00"), ("cid", "105.00"), ("dee", "60.00"), ("hal", "60.00"),
        ("kay", "50.00"), ("fay", "40.00"), ("ida", "30.00"), ("eve", "10.00"),
    ],
    "2024-01-31": [("kay", "65.00")],
    "2024-02-01": [("eve", "5.00")],
    "2024-02-02": [("gus", "200.00"), ("leo", "-60.00"), ("ida", "2.00")],
    "2024-02-03": [("dee", "42.00"), ("hal", "42.00"), ("fay", "1.00")],
}  # fmt: skip
OVERRIDES = ("policy", "customer", "first", "last", "tier", "why", "who")


def _deliver(company, day):
    rows = [(f"{who}-{day}", 1, who, f"{day} 09:00", amount, None) for who, amount in SOLD[day]]
    if day == LATEST:
        rows.append(("ida-late", 1, "ida", "2024-01-31 18:00", "1.00", None))
    company.deliver(f"orders_{day}.csv", rows)
    if day == DAYS[0]:
        columns = ("policy", "customer", "tier", "who")
        company.deliver(f"existing_{day}.csv", [("seats", "fay", "gold", "Wu")], columns, "existing")
    if day == DAYS[1]:
        rows = [("seats", "ida", DAYS[1], DAYS[3], "silver", "trial", "Wu")]
        company.deliver(f"overrides_{day}.csv", rows, OVERRIDES, "overrides")


@pytest.fixture(scope="module")
def first_night(make_company):
    """One night; then somebody says by command who is gold, and a bound is to be lower from 2 February on."""
    company = make_company(policies=POLICIES)
    company.write("config/sources.yml", (company.home / "config/sources.yml").read_text() + SHEET)
    company.replace("config/company.yml", "max_bad_share: 0.2", "max_bad_share: 0.2, volume_drop: 1")
    _deliver(company, DAYS[0])
    company.run(DAYS[0])
    said = ("--reason", "founder's friend", "--author", "Li", "--until", DAYS[2])
    answer = company.tierwise("override", "add", "eve", "--policy", "seats", "--tier", "gold", *said)
    assert answer.code == 0, answer.said
    company.replace(
        "config/tier_policies.yml",
        "    - {tier: A, labels: {en: A, zh: A类}, at_least: 100}",
        "    - {tier: A, labels: {en: A, zh: A类}, at_least: 60}",
    )
    company.replace(
        "config/tier_policies.yml", "labels: {en: By amount, zh: 按金额}\n",
        "labels: {en: By amount, zh: 按金额}\n  valid_from: 2024-02-02\n",
    )  # fmt: skip
    return company


@pytest.fixture(scope="module")
def nights(first_night, tmp_path_factory):
    """Four more nights, each with its own delivery. Look at them; to go on, take a copy."""
    company = first_night.copy_to(tmp_path_factory.mktemp("nights") / "shop")
    for day in DAYS[1:]:
        _deliver(company, day)
        company.run(day)
    return company


@pytest.fixture(scope="module")
def at_once(first_night, tmp_path_factory):
    """The same four days by one backfill."""
    company = first_night.copy_to(tmp_path_factory.mktemp("at_once") / "shop")
    for day in DAYS[1:]:
        _deliver(company, day)
    company.backfill(DAYS[1], LATEST)
    return company


def _hashes(company):
    held = json.loads(company.tierwise("release", "show", "--json").out)["marts"]
    return {mart: content for mart, content in held.items() if not mart.startswith("ops_")}


def _tiers_on(company, policy):
    decided = company.marts(f"""
        select day, customer_id, tier
        from (values {", ".join(f"(date '{day}')" for day in DAYS)}) as days (day),
            tiers_on(day) join dim_customer_ids using (customer_key)
        where policy = '{policy}'""")
    by_day = {day: {} for day in DAYS}
    for day, customer, tier in decided:
        by_day[str(day)].setdefault(tier, set()).add(customer)
    return by_day


def _history(company, policy, customer, columns="tier, valid_from::varchar, valid_to::varchar, reason, cause"):
    return company.marts(
        f"select {columns} from tier_history join dim_customer_ids using (customer_key)"
        f" where policy = '{policy}' and customer_id = '{customer}' order by valid_from"
    )


def _decided(company, policy, customers):
    found = company.marts(
        "select customer_id, tier, reason, decision_rows, wanted_tier"
        " from tier_explanations join dim_customer_ids using (customer_key)"
        f" where policy = '{policy}'"
    )
    return {customer: decided for customer, *decided in found if customer in customers}


# --- again, back, at once ---------------------------------------------------------------------------------------------


def test_the_latest_day_once_more_is_the_same_release_to_the_last_hash(nights, tmp_path):
    again = nights.copy_to(tmp_path / "again")
    again.run(LATEST)
    assert again.current == "2024-02-03.2"
    assert len(_hashes(again)) > 15
    assert _hashes(again) == _hashes(nights)


def test_after_a_rollback_the_day_is_decided_as_it_was(nights, tmp_path):
    back = nights.copy_to(tmp_path / "back")
    assert back.tierwise("release", "rollback").code == 0
    assert back.current == "2024-02-02.1"
    assert back.tiers("seats")["ida"] == "silver"
    back.run(LATEST)
    assert back.differences(nights) == []
    assert _hashes(back) == _hashes(nights)


def test_a_backfill_with_overrides_stays_seats_and_a_new_version_is_its_nights(nights, at_once):
    assert nights.differences(at_once) == []


@pytest.mark.parametrize("ran", ["nights", "at_once"])
def test_a_release_with_overrides_stays_and_seats_is_rebuilt_from_its_manifest(ran, request):
    answer = request.getfixturevalue(ran).tierwise("release", "verify")
    assert answer.code == 0, answer.said
    assert answer.out.count("True") > 15
    assert "False" not in answer.out


# --- tiers of every day -----------------------------------------------------------------------------------------------


def test_tiers_on_any_past_day_are_those_decided_then(nights):
    first = {"gold": {"leo", "ann", "bob", "fay"}, "silver": {"cid", "dee", "hal", "kay"}, "bronze": {"ida", "eve"}}
    by_hand = {"gold": {"leo", "ann", "bob", "fay", "eve"}, "silver": {"cid", "dee", "hal", "kay", "ida"}}
    seated = {"ann", "bob", "gus", "kay"}
    assert _tiers_on(nights, "seats") == {
        DAYS[0]: first,
        DAYS[1]: by_hand,
        DAYS[2]: by_hand,
        DAYS[3]: {"gold": seated, "silver": {"cid", "dee", "hal", "leo", "fay", "ida"}, "bronze": {"eve"}},
        DAYS[4]: {"gold": seated, "silver": {"cid", "dee", "hal", "leo", "fay"}, "bronze": {"ida", "eve"}},
    }


def test_an_order_shows_the_tier_of_the_day_before_also_one_given_by_hand(nights):
    shown = nights.marts(
        "select order_id, tier_at_order from fct_orders where order_id not like '%-2024-01-30' order by ordered_at, 1"
    )
    assert shown == [
        ("kay-2024-01-31", "silver"),
        ("ida-late", "bronze"),
        ("eve-2024-02-01", "gold"),
        ("gus-2024-02-02", None),
        ("ida-2024-02-02", "silver"),
        ("leo-2024-02-02", "gold"),
        ("dee-2024-02-03", "silver"),
        ("fay-2024-02-03", "silver"),
        ("hal-2024-02-03", "silver"),
    ]
    first = "select count(*), count(tier_at_order) from fct_orders where order_id like '%-2024-01-30'"
    assert nights.marts(first) == [(10, 0)]


def test_sales_are_credited_to_the_tier_at_order_time(nights):
    credited = nights.marts("""
        select month_starts_on::varchar, policy, tier, orders, customers, sale_amount, refund_amount, net_amount
        from rpt_sales_by_tier order by month_starts_on, policy nulls first, tier""")
    assert credited == [
        ("2024-01-01", None, "No tier", 10, 10, Decimal(715), Decimal(0), Decimal(715)),
        ("2024-01-01", "seats", "bronze", 1, 1, Decimal(1), Decimal(0), Decimal(1)),
        ("2024-01-01", "seats", "silver", 1, 1, Decimal(65), Decimal(0), Decimal(65)),
        ("2024-02-01", "seats", "No tier", 1, 1, Decimal(200), Decimal(0), Decimal(200)),
        ("2024-02-01", "seats", "gold", 1, 2, Decimal(5), Decimal(-60), Decimal(-55)),
        ("2024-02-01", "seats", "silver", 4, 4, Decimal(87), Decimal(0), Decimal(87)),
    ]


# --- people decide ----------------------------------------------------------------------------------------------------


def test_an_override_by_command_ends_by_itself_on_its_day(nights):
    assert _history(nights, "seats", "eve") == [
        ("bronze", DAYS[0], DAYS[0], "reached", None),
        ("gold", DAYS[1], DAYS[2], "override", None),
        ("bronze", DAYS[3], None, "override_ended", None),
    ]


def test_an_override_from_a_sheet_ends_by_itself_on_its_day(nights):
    assert _history(nights, "seats", "ida") == [
        ("bronze", DAYS[0], DAYS[0], "reached", None),
        ("silver", DAYS[1], DAYS[3], "override", None),
        ("bronze", DAYS[4], None, "override_ended", None),
    ]
    listed = "select customer_id, source, known_on::varchar, status from rpt_tier_overrides order by 1"
    assert nights.marts(listed) == [
        ("eve", "by_hand", DAYS[1], "expired"),
        ("ida", "sheet", DAYS[1], "expired"),
    ]


def test_who_was_gold_before_the_first_night_keeps_it_for_a_stay_and_falls_one_step(nights):
    assert _history(nights, "seats", "fay") == [
        ("gold", DAYS[0], DAYS[2], "existing", None),
        ("silver", DAYS[3], None, "demoted", "behaviour"),
    ]
    fell = (
        "select is_limited_by_steps, decision_rows from fct_tier_changes where policy = 'seats' and reason = 'demoted'"
    )
    assert sorted(nights.marts(fell)) == [(False, "7"), (True, "7")]  # leo and fay
    assert _decided(nights, "seats", {"fay"}) == {"fay": ["silver", "held_by_stay", "7", None]}


# --- seats ------------------------------------------------------------------------------------------------------------


def test_the_waiting_list_names_who_waits_for_which_tier_and_at_which_place(nights):
    waiting = nights.marts("""
        select customer_id, policy, kind, tier, wanted_tier, place_in_queue, rank_position, score, waiting_since::varchar
        from rpt_tier_waiting_list join dim_customer_ids using (customer_key) order by place_in_queue, customer_id""")
    kind = ("seats", "waiting_for_seat", "silver", "gold")
    assert waiting == [
        ("cid", *kind, 1, 5, Decimal(105), DAYS[0]),
        ("dee", *kind, 3, 7, Decimal(102), LATEST),
        ("hal", *kind, 3, 7, Decimal(102), LATEST),
    ]
    assert _decided(nights, "seats", {"cid", "dee", "kay"}) == {
        "cid": ["silver", "waiting_for_seat", "6,10", "gold"],
        "dee": ["silver", "waiting_for_seat", "6,10", "gold"],
        "kay": ["gold", "unchanged", "9", None],
    }


def test_a_seat_that_becomes_free_goes_to_the_best_who_ask_for_it(nights):
    moved = nights.marts(f"""
        select customer_id, from_tier, reason, cause from fct_tier_changes join dim_customer_ids using (customer_key)
        where policy = 'seats' and to_tier = 'gold' and as_of = date '{DAYS[3]}' order by 1""")
    assert moved == [("gus", None, "reached", None), ("kay", "silver", "promoted", "behaviour")]


def test_a_tier_stands_above_its_cap_only_by_an_override(nights):
    gold = nights.marts(f"""
        select day::varchar, count(*), count(*) filter (where reason = 'override')
        from (values {", ".join(f"(date '{day}')" for day in DAYS)}) as days (day), tiers_on(day)
        where policy = 'seats' and tier = 'gold' group by day order by day""")
    assert gold == [(DAYS[0], 4, 0), (DAYS[1], 5, 1), (DAYS[2], 5, 1), (DAYS[3], 4, 0), (DAYS[4], 4, 0)]


# --- a calendar -------------------------------------------------------------------------------------------------------


def test_a_monthly_policy_moves_people_on_the_first_only(nights):
    assert _history(nights, "monthly", "kay") == [
        ("small", DAYS[0], DAYS[1], "reached", None),
        ("big", "2024-02-01", None, "promoted", "behaviour"),
    ]
    assert _history(nights, "monthly", "leo") == [("big", DAYS[0], None, "reached", None)]
    assert _decided(nights, "monthly", {"leo", "dee", "gus"}) == {
        "leo": ["big", "held_by_calendar", "7", None],
        "dee": ["small", "held_by_calendar", "6", None],
        "gus": ["big", "unchanged", "9", None],  # who is new is graded on any day
    }
    due = "select distinct next_review_on::varchar from tier_explanations where policy = 'monthly'"
    assert nights.marts(due) == [("2024-03-01",)]


# --- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ran", ["nights", "at_once"])
def test_a_version_counts_from_its_day_on_and_every_decision_names_its_own(ran, request):
    company = request.getfixturevalue(ran)
    before = {"A": {"leo", "ann", "bob", "cid"}, "B": {"dee", "hal", "kay", "fay", "ida", "eve"}}
    with_kay = {"A": before["A"] | {"kay"}, "B": before["B"] - {"kay"}}
    after = {"A": with_kay["A"] | {"dee", "hal", "gus"}, "B": {"fay", "ida", "eve"}}
    tiers = [before, with_kay, with_kay, after, after]
    assert _tiers_on(company, "by_amount") == dict(zip(DAYS, tiers, strict=True))
    named = company.marts("""
        select as_of::varchar, policy_version, count(*) from fct_tier_changes
        where policy = 'by_amount' group by all order by 1""")
    (_, old, _), (_, new, _) = named[0], named[-1]
    assert old != new
    assert named == [(DAYS[0], old, 10), (DAYS[1], old, 1), (DAYS[3], new, 3)]
    now = "select distinct policy_version from tier_explanations where policy = 'by_amount'"
    assert company.marts(now) == [(new,)]
    assert _history(company, "by_amount", "dee", "tier, reason, cause, policy_version") == [
        ("B", "reached", None, old),
        ("A", "promoted", "policy_changed", new),
    ]


def test_the_night_before_a_version_counts_shows_the_lines_of_the_one_before(nights):
    (folder,) = (nights.home / "var/release").glob("2024-02-01.*")
    (marts,) = folder.glob("*.duckdb")
    bound = "select distinct bound from {} where policy = 'by_amount' and tier = 'A'"
    assert nights.ask(marts, bound.format("tier_explanations")) == [(Decimal(100),)]
    assert nights.marts(bound.format("tier_explanations")) == [(Decimal(60),)]
    then = nights.tierwise("why", "dee", "--policy", "by_amount", "--as-of", "2024-02-01")
    assert then.code == 0, then.said
    assert "policy_version" in then.out
    assert (
        nights.marts("select distinct policy_version from tiers_on('2024-02-01') where policy = 'by_amount'")[0][0]
        in then.out
    )


# --- why --------------------------------------------------------------------------------------------------------------


def test_every_tier_of_everybody_has_a_sentence_in_both_languages(nights):
    from tierwise import policy

    with nights.at_home():
        told = list(policy.explanations())
    decided = nights.marts("select policy, customer_key from dim_customer_tiers order by all")
    assert sorted((one.policy, one.customer_key) for one in told) == decided
    assert len(decided) == 33
    assert all(one.sentence_en.strip().endswith(".") for one in told)
    assert all(one.sentence_zh.strip().endswith("。") for one in told)


def test_why_answers_for_every_customer_and_policy(nights):
    for (name,) in nights.marts("select distinct policy from dim_customer_tiers"):
        for (customer,) in nights.marts("select customer_id from dim_customer_ids"):
            answer = nights.tierwise("why", customer, "--policy", name)
            assert answer.code == 0, answer.said
            assert answer.out.strip()


def test_the_parts_of_every_change_of_tier_sum_to_the_change_of_the_score(nights, at_once):
    parts = ("policy", "identity", "corrected_data", "value_model", "own_behaviour", "left_window", "others_moved")
    summed = " + ".join(f"part_{part}" for part in parts)
    for company in (nights, at_once):
        odd = f"where {summed} is distinct from score - coalesce(score_before, 0)"
        assert company.marts(f"select * from fct_tier_changes {odd}") == []
        assert company.marts("select count(*) > 30 from fct_tier_changes") == [(True,)]
    leo = nights.marts("""
        select changed_from, score_before, score, part_own_behaviour, line_before, line_now
        from fct_tier_changes join dim_customer_ids using (customer_key)
        where customer_id = 'leo' and policy = 'seats' and reason = 'demoted'""")
    assert leo == [(date(2024, 2, 2), Decimal(130), Decimal(70), Decimal(-60), Decimal(100), Decimal(100))]
