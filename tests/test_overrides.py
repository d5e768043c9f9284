"""Tiers that people decide: by command or in a sheet, on the last door's terms: what is wrong goes back, the rest works."""

from __future__ import annotations

import json
from datetime import date

import pytest

from tierwise import control, quarantine
from tierwise.clock import next_day
from tierwise.configuration import Company

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
        from: first day
        until: last day
        tier: tier
        reason: why
        author: who
        updated_at: updated
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
COLUMNS = ("policy", "customer", "first day", "last day", "tier", "why", "who", "updated")
SAID = ("--reason", "founder's friend", "--author", "Li")


def override(customer: str, first: str = "2024-01-01", last: str | None = None, **other: str | None) -> tuple:
    row = {"policy": "pyramid", "tier": "top", "why": "founder's friend", "who": "Li", "updated": None} | other
    return tuple(
        {"customer": customer, "first day": first, "last day": last, **row}[column] for column in COLUMNS
    )  # fmt: skip


@pytest.fixture
def sheet(make_company):
    """A shop whose sales people keep a sheet of overrides."""
    company = make_company()
    company.write("config/sources.yml", (company.home / "config/sources.yml").read_text() + SHEET)
    company.deliver(
        "orders_2024-01-30.csv",
        [(f"o{who}", 1, who, "2024-01-30 09:00", "10.00", None) for who in ("ann", "bob", "cid", "dee", "eve")],
    )
    return company


def judged(company, columns: str = "customer_id, starts_on, status, sent_back_because") -> list[tuple]:
    return company.marts(f"select {columns} from rpt_tier_overrides order by policy, customer_id, starts_on, version")


# --- a sheet ----------------------------------------------------------------------------------------------------------


def test_bad_rows_of_a_sheet_go_back_with_a_sentence_and_the_rest_works(sheet):
    rows = [
        override("ann"),
        override("bob", why=""),
        override("bob", "2024-02-01", who=" "),
        override("cid", "2024-02-01", "2024-01-31"),
        override("", "2024-02-01"),
        override("cid", ""),
        override("cid", "2024-03-01", tier=""),
        override("zoe"),
        override("dee", policy="pyramide"),
        override("dee", tier="tpo"),
        override("eve", "2023-01-01", "2024-01-29"),
        override("ann"),
    ]
    sheet.deliver("overrides_2024-01-30.csv", rows, COLUMNS, "overrides")
    sheet.run("2024-01-30")
    counts = "select delivered_rows, accepted_rows, duplicate_rows, quarantined_rows, status from ops_deliveries"
    assert sheet.marts(counts + " where stream = 'tier_overrides'") == [(12, 5, 1, 6, "accepted")]
    outside = "select row_number, reason_code, column_name from ops_quarantine order by row_number"
    assert sheet.marts(outside) == [
        (2, "reason_missing", "reason"),
        (3, "author_missing", "author"),
        (4, "time_order", "until"),
        (5, "customer_missing", "customer_id"),
        (6, "required_missing", "from"),
        (7, "required_missing", "tier"),
    ]
    with sheet.at_home():
        told = {o.reason_code: o.how_to_mend for o in quarantine.overview()}
    assert told["reason_missing"] == "nobody says why; write the reason beside it and send the row again"
    assert judged(sheet, "customer_id, status, sent_back_because") == [
        ("ann", "in_force", None),
        ("dee", "sent_back", "unknown_tier"),
        ("eve", "sent_back", "ended_before_known"),
        ("zoe", "sent_back", "unknown_customer"),
        ("dee", "sent_back", "unknown_policy"),
    ]
    sentences = "select sent_back_en, sent_back_zh from rpt_tier_overrides where status = 'sent_back'"
    assert all(en.endswith(".") and zh.endswith("。") for en, zh in sheet.marts(sentences))
    listed = sheet.tierwise("override", "list", "--json")
    assert {one["customer"]: one["status"] for one in json.loads(listed.out)} == {
        "shop:ann": "in_force", "shop:zoe": "sent_back", "shop:dee": "sent_back", "shop:eve": "sent_back",
    }  # fmt: skip


def test_a_sheet_of_bad_rows_alone_stops_nothing(sheet):
    sheet.deliver("overrides_2024-01-30.csv", [override("ann", why=None)] * 3, COLUMNS, "overrides")
    sheet.run("2024-01-30")
    assert judged(sheet) == []


def test_a_long_sheet_after_a_short_one_is_no_odd_delivery(sheet):
    sheet.deliver("overrides_2024-01-30.csv", [override("ann")], COLUMNS, "overrides")
    sheet.deliver("orders_2024-01-31.csv", [("o9", 1, "ann", "2024-01-31 09:00", "1.00", None)] * 5)
    sheet.run("2024-01-30")
    days = [f"2024-03-{n:02}" for n in range(1, 29)]
    sheet.deliver("overrides_2024-01-31.csv", [override("bob", day, day) for day in days], COLUMNS, "overrides")
    sheet.run("2024-01-31")
    assert sheet.marts("select count(*) from rpt_tier_overrides where status = 'upcoming'") == [(28,)]


def test_the_last_day_of_an_override_still_counts_and_the_next_one_does_not(sheet):
    sheet.deliver("overrides_2024-01-30.csv", [override("ann", last="2024-01-30")], COLUMNS, "overrides")
    sheet.run("2024-01-30")
    assert judged(sheet, "status") == [("in_force",)]
    sheet.run("2024-01-31")
    assert judged(sheet, "status") == [("expired",)]


def test_of_two_that_overlap_the_later_known_goes_back_and_both_of_one_day(sheet):
    first = [override("ann"), override("bob"), override("bob", "2024-06-01")]
    sheet.deliver("overrides_2024-01-30.csv", first, COLUMNS, "overrides")
    sheet.run("2024-01-30")
    sheet.deliver("overrides_2024-01-31.csv", [override("ann", "2024-06-01")], COLUMNS, "overrides")
    sheet.run("2024-01-31")
    assert [status for (status,) in judged(sheet, "status")] == ["in_force", "sent_back", "sent_back", "sent_back"]


def test_nights_and_one_backfill_judge_alike(sheet, make_company):
    days = ("2024-01-30", "2024-01-31", "2024-02-01")
    said = {
        days[0]: [override("ann"), override("eve", "2024-02-01"), override("bob", tier="tpo")],
        days[1]: [override("ann", "2024-03-01"), override("zoe")],
        days[2]: [override("ann", last="2024-02-01"), override("bob"), override("zoe", why="once more")],
    }
    at_once = make_company(sources=(sheet.home / "config/sources.yml").read_text())
    for company in (sheet, at_once):
        company.deliver("orders_2024-01-30.csv", [("o1", 1, "ann", "2024-01-30 09:00", "10.00", None)] * 2)
        company.deliver("orders_2024-01-31.csv", [("o2", 1, "bob", "2024-01-31 09:00", "10.00", None)])
        company.deliver("orders_2024-02-01.csv", [("o3", 1, "zoe", "2024-02-01 09:00", "10.00", None)])
    for day in days:
        for company in (sheet, at_once):
            company.deliver(f"overrides_{day}.csv", said[day], COLUMNS, "overrides")
        sheet.run(day)
    at_once.backfill(days[0], days[-1])
    assert judged(sheet) == judged(at_once)
    assert sheet.differences(at_once) == []
    assert judged(sheet, "customer_id, version, status, sent_back_because") == [
        ("ann", 1, "replaced", None),
        ("ann", 2, "in_force", None),
        ("ann", 1, "sent_back", "overlaps"),
        ("bob", 1, "sent_back", "unknown_customer"),
        ("bob", 2, "in_force", None),
        ("eve", 1, "sent_back", "unknown_customer"),
        ("zoe", 1, "sent_back", "unknown_customer"),
        ("zoe", 2, "in_force", None),
    ]


def test_existing_tiers_that_name_a_tier_that_is_none_go_back(sheet):
    rows = [("pyramid", "ann", "top", "Li"), ("pyramid", "bob", "tpo", None), ("pyramid", "zoe", "top", "")]
    sheet.deliver("existing_2024-01-30.csv", rows, ("policy", "customer", "tier", "who"), "existing")
    sheet.run("2024-01-30")
    asked = "select customer_id, status, applied_on, sent_back_because from rpt_existing_tiers order by customer_id"
    assert sheet.marts(asked) == [
        ("ann", "applied", date(2024, 1, 30), None),
        ("bob", "sent_back", None, "unknown_tier"),
        ("zoe", "sent_back", None, "unknown_customer"),
    ]
    assert sheet.tiers()["ann"] == "top"  # five customers of equal revenue: nobody reaches a share
    rows = [("pyramid", "cid", "top", "Li")]
    sheet.deliver("existing_2024-01-31.csv", rows, ("policy", "customer", "tier", "who"), "existing")
    sheet.run("2024-01-31")
    assert sheet.tiers()["cid"] == "rest"
    assert sheet.marts("select status from rpt_existing_tiers where customer_id = 'cid'") == [("not_applied",)]


# --- by command -------------------------------------------------------------------------------------------------------


def add(company, customer: str = "ann", *more: str, tier: str = "top", policy: str = "pyramid"):
    return company.tierwise("override", "add", customer, "--policy", policy, "--tier", tier, *SAID, *more)


def test_an_override_by_command_waits_for_the_next_run_which_takes_it_in_as_a_delivery(shop):
    answer = add(shop, "dee")
    assert answer.code == 0, answer.said
    assert "shop:dee is to be top in pyramid from 2024-02-02 on, with no end." in answer.said
    assert judged(shop) == []
    waiting = json.loads(shop.tierwise("override", "list", "--json").out)
    assert [(one["customer"], one["status"], one["known_on"]) for one in waiting] == [("shop:dee", "waiting", None)]
    shop.run("2024-02-02")
    delivered = "select known_on, delivered_rows, accepted_rows from ops_deliveries where source = 'by_hand'"
    assert shop.marts(delivered) == [(date(2024, 2, 2), 1, 1)]
    assert judged(shop, "source, customer_source, customer_id, tier, reason, author, known_on, status") == [
        ("by_hand", "shop", "dee", "top", "founder's friend", "Li", date(2024, 2, 2), "in_force")
    ]
    assert shop.tierwise("release", "verify").code == 0


def test_a_failed_run_takes_it_in_the_next_time_and_nothing_is_doubled(shop):
    assert add(shop, "dee").code == 0
    shop.deliver("orders_2024-02-02.csv", [(f"o{n}", 1, "dee", "2024-02-02 09:00", "ten", None) for n in range(13, 17)])
    assert shop.tierwise("run", "--as-of", "2024-02-02").code == 3
    with shop.at_home():
        [delivery] = control.deliveries(source="by_hand")
        assert delivery.status == "accepted"
    assert [one["status"] for one in json.loads(shop.tierwise("override", "list", "--json").out)] == ["waiting"]
    shop.deliver(
        "orders_2024-02-02.csv", [(f"o{n}", 1, "dee", "2024-02-02 09:00", "1.00", None) for n in range(13, 17)]
    )
    shop.run("2024-02-02")
    shop.run("2024-02-02")
    assert judged(shop, "customer_id, version, status") == [("dee", 1, "in_force")]
    assert shop.marts("select count(*) from ops_deliveries where source = 'by_hand'") == [(1,)]


def test_one_that_landed_in_a_run_that_died_is_taken_in_by_the_next(shop):
    from tierwise import landing, release

    assert add(shop, "dee").code == 0
    with shop.at_home():
        dead = release.begin([date(2024, 2, 2)])
        assert len(landing.land(dead, "by_hand", "tier_overrides")) == 1
        assert landing.land(dead, "by_hand", "tier_overrides") == []
        control.fail_run(dead, "killed")
    assert add(shop, "bob").code == 0
    shop.run("2024-02-02")
    assert judged(shop, "customer_id, status") == [("bob", "in_force"), ("dee", "in_force")]


def test_an_override_is_ended_by_a_newer_version_of_it(shop):
    assert add(shop, "dee").code == 0
    shop.run("2024-02-02")
    decided = "select tier, reason from dim_customer_tiers where policy = 'pyramid' and customer_key = md5('shop|dee')"
    assert shop.marts(decided) == [("top", "override")]
    end = ("override", "end", "dee", "--policy", "pyramid", "--reason", "moved away", "--author", "Wu")
    answer = shop.tierwise(*end)
    assert answer.code == 0, answer.said
    assert "shop:dee is top in pyramid from 2024-02-02 until 2024-02-02 only." in answer.said
    assert shop.tierwise(*end).code == 2
    shop.run("2024-02-03")
    assert shop.marts(decided) == [("rest", "override_ended")]
    assert judged(shop, "version, ends_on, reason, author, status, sent_back_because") == [
        (1, None, "founder's friend", "Li", "replaced", None),
        (2, date(2024, 2, 2), "moved away", "Wu", "expired", None),
    ]
    assert json.loads(shop.tierwise("override", "list", "--json").out) == []
    assert len(json.loads(shop.tierwise("override", "list", "--all", "--json").out)) == 2


def test_one_given_and_ended_before_the_run_never_acts(shop):
    assert add(shop, "dee", "--from", "2024-01-01").code == 0
    end = ("override", "end", "dee", "--policy", "pyramid", "--reason", "a mistake", "--author", "Li")
    assert shop.tierwise(*end).code == 0
    shop.run("2024-02-02")
    assert judged(shop, "version, status, sent_back_because") == [(1, "replaced", None), (2, "expired", None)]


@pytest.mark.parametrize(
    ("arguments", "says", "hint"),
    [
        (("zoe", "pyramid", "top", *SAID), "no customer is called 'zoe'", "the nearest are"),
        (("ann", "pyramide", "top", *SAID), "no policy 'pyramide' that decides; did you mean pyramid?", "by_amount"),
        (("ann", "pyramid", "tpo", *SAID), "pyramid has no tier 'tpo'; did you mean top?", "top, middle, rest"),
        (("ann", "pyramid", "top", "--author", "Li"), "nobody says why", 'add --reason "…"'),
        (("ann", "pyramid", "top", "--reason", "x", "--author", " "), "nobody says who answers", 'add --author "…"'),
        (
            ("ann", "pyramid", "top", *SAID, "--from", "2024-03-02", "--until", "2024-03-01"),
            "would end on 2024-03-01, before it begins on 2024-03-02",
            "no earlier than --from",
        ),
        (
            ("ann", "pyramid", "top", *SAID, "--from", "2024-01-01", "--until", "2024-02-01"),
            "would be over on 2024-02-01 and never act: the next run describes 2024-02-02",
            "2024-02-02 or later",
        ),
        (("ann", "pyramid", "top", *SAID, "--from", "1 May"), "'1 May' is no day", "write it as"),
    ],
)
def test_what_would_go_back_is_refused_at_once(shop, arguments, says, hint):
    customer, policy, tier, *more = arguments
    answer = shop.tierwise("override", "add", customer, "--policy", policy, "--tier", tier, *more)
    assert answer.code == 2
    assert says in answer.said
    assert hint in answer.said
    with shop.at_home():
        assert control.overrides_said() == []


def test_a_repeat_and_an_overlap_are_refused_and_a_newer_version_is_not(shop):
    assert add(shop, "dee").code == 0
    repeated = add(shop, "shop:dee")
    assert (repeated.code, "already" in repeated.said) == (2, True)
    overlapping = add(shop, "dee", "--from", "2024-02-10")
    assert overlapping.code == 2
    assert "would overlap the override of Li" in overlapping.said
    assert "override end shop:dee --policy pyramid --on 2024-02-09" in overlapping.said
    assert add(shop, "dee", policy="by_amount", tier="A").code == 0
    newer = add(shop, "dee", "--until", "2024-02-09")
    assert newer.code == 0
    assert "replaces what Li said" in newer.said
    assert add(shop, "dee", "--from", "2024-02-10").code == 0
    shop.run("2024-02-02")
    assert judged(shop, "policy, starts_on, version, status") == [
        ("by_amount", date(2024, 2, 2), 1, "in_force"),
        ("pyramid", date(2024, 2, 2), 1, "replaced"),
        ("pyramid", date(2024, 2, 2), 2, "in_force"),
        ("pyramid", date(2024, 2, 10), 1, "upcoming"),
    ]
    assert add(shop, "dee", "--from", "2024-02-05").code == 2


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("bob",), "shop:bob is under no override in pyramid"),
        (("dee", "--on", "2024-02-01"), "begins only on 2024-02-02; it cannot end on 2024-02-01"),
        (("dee", "--on", "2024-02-20"), "2024-02-20 is no earlier end"),
    ],
)
def test_what_cannot_be_ended_is_answered(shop, more, says):
    assert add(shop, "dee", "--until", "2024-02-20").code == 0
    answer = shop.tierwise("override", "end", *more, "--policy", "pyramid", "--reason", "x", "--author", "Li")
    assert (answer.code, says in answer.said) == (2, True), answer.said


def test_before_the_first_release_a_customer_is_named_with_the_source(company):
    company.deliver("orders_2024-01-31.csv", [("o1", 1, "ann", "2024-01-31 09:00", "10.00", None)])
    unnamed = add(company, "ann", "--from", "2024-01-01")
    assert unnamed.code == 2
    assert "shop:ann" in unnamed.said
    assert add(company, "shop:ann", "--from", "2024-01-01").code == 0
    company.run("2024-01-31")
    assert judged(company, "customer_id, status") == [("ann", "in_force")]


def test_a_source_may_not_be_called_by_hand(company):
    line = company.replace("config/sources.yml", "- name: desk", "- name: by_hand")
    answer = company.tierwise("source", "check")
    assert answer.code == 2
    assert f"config/sources.yml:{line}: `by_hand` is what we call what people say by command" in answer.said


def test_the_next_run_describes_the_day_after_the_release_unless_there_is_none():
    a_company = Company.model_validate(
        {"name": "ACME", "currency": "GBP", "time_zone": "UTC", "clock": {"last_day": date(2024, 2, 29)}}
    )
    assert next_day(a_company, date(2024, 2, 1)) == date(2024, 2, 2)
    assert next_day(a_company, date(2024, 2, 29)) == date(2024, 2, 29)
    assert next_day(a_company, None) == date(2024, 2, 29)
