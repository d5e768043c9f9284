"""Issues and feedback through whole nights: what became of each, whatever order its events arrive in."""

from __future__ import annotations

from datetime import date

import pytest

SOURCES = """\
- name: helpdesk
  required: false
  kind: files
  time_zone: Europe/London
  streams:
    issue_events:
      from: inbox/issues/*.csv
      known_on: {from_name: "issues_%Y-%m-%d"}
      columns:
        issue_id: issue
        event_number: number
        customer_id: customer
        customer_source: {value: shop}
        occurred_at: at
        status: {from: status, codes: {New: opened, Answered: responded, Solved: resolved, Reopened: reopened}}
        severity: severity
        topic: topic
    interactions:
      from: inbox/said/*.csv
      known_on: {from_name: "said_%Y-%m-%d"}
      columns:
        interaction_id: id
        customer_id: customer
        customer_source: {value: shop}
        occurred_at: at
        kind: kind
        topic: topic
"""
COLUMNS = ("issue", "number", "customer", "at", "status", "severity", "topic")


@pytest.fixture
def shop_with_a_desk(company):
    company.write("config/sources.yml", (company.home / "config/sources.yml").read_text() + SOURCES)
    company.replace("config/company.yml", "max_bad_share: 0.2", "max_bad_share: 0.2, volume_drop: 1")
    company.deliver("orders_2024-01-10.csv", [("o1", 1, "ann", "2024-01-10 09:00", "10.00", None)])
    return company


def issues(shop, day: str, rows) -> None:
    shop.deliver(f"issues_{day}.csv", rows, COLUMNS, folder="issues")


@pytest.mark.slow
def test_an_issue_goes_from_night_to_night(shop_with_a_desk):
    shop = shop_with_a_desk
    issues(
        shop,
        "2024-01-10",
        [
            ("t1", 1, "ann", "2024-01-10 09:00", "New", "high", "delivery"),
            ("t2", 1, "ann", "2024-01-10 10:00", "New", "low", ""),
            ("t3", 1, "stranger", "2024-01-10 11:00", "New", "low", ""),
        ],
    )
    shop.run("2024-01-10")
    told = "select issue_id, status, is_open, minutes_to_first_response, times_reopened, is_linked from fct_issues order by 1"
    assert shop.marts(told) == [
        ("t1", "opened", True, None, 0, True),
        ("t2", "opened", True, None, 0, True),
        ("t3", "opened", True, None, 0, False),
    ]
    assert shop.marts("select open_issues from dim_customers") == [(2,)]
    # the answer arrives after the solution, and t2 has no end
    issues(shop, "2024-01-11", [("t1", 3, "ann", "2024-01-11 09:00", "Solved", "", "")])
    shop.run("2024-01-11")
    assert shop.marts(told)[0] == ("t1", "resolved", False, 1440, 0, True)
    issues(
        shop,
        "2024-01-12",
        [
            ("t1", 2, "ann", "2024-01-10 09:30", "Answered", "", ""),
            ("t1", 4, "ann", "2024-01-12 08:00", "Reopened", "critical", ""),
        ],
    )
    shop.run("2024-01-12")
    assert shop.marts(told)[0] == ("t1", "reopened", True, 30, 1, True)
    assert shop.marts("select severity, topic, resolved_at, opened_on from fct_issues where issue_id = 't1'") == [
        ("critical", "delivery", None, date(2024, 1, 10))
    ]
    assert shop.marts("select open_issues from dim_customers") == [(2,)]


@pytest.mark.slow
def test_praise_and_suggestions_are_feedback_too(shop_with_a_desk):
    shop = shop_with_a_desk
    shop.deliver(
        "said_2024-01-10.csv",
        [
            ("1", "ann", "2024-01-10 09:00", "praise", "staff"),
            ("2", "ann", "2024-01-10 09:10", "praise", "staff"),
            ("3", "ann", "2024-01-10 09:20", "suggestion", ""),
            ("4", "ann", "2024-01-10 09:30", "call", "staff"),
        ],
        ("id", "customer", "at", "kind", "topic"),
        folder="said",
    )
    shop.run("2024-01-10")
    assert shop.marts("select kind, topic, channel, interactions, customers from rpt_feedback order by 1") == [
        ("praise", "staff", "unknown", 2, 1),
        ("suggestion", "unknown", "unknown", 1, 1),
    ]
    assert shop.marts("select open_issues from dim_customers") == [(None,)]
