"""Which day a run describes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tierwise.clock import as_of_today, day_to_describe
from tierwise.configuration import Company
from tierwise.errors import ConfigurationRefused


def company(zone: str = "Asia/Shanghai", last_day: date | None = None) -> Company:
    return Company.model_validate(
        {"name": "ACME", "currency": "CNY", "time_zone": zone, "clock": {"last_day": last_day}}
    )


TWO_IN_SHANGHAI = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)  # 2026-11-23 02:00 there


def test_two_in_the_morning_describes_the_day_before():
    assert as_of_today(company(), TWO_IN_SHANGHAI) == date(2026, 11, 22)


def test_the_day_ends_at_midnight_of_the_company_and_not_of_the_machine():
    same_instant = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    assert as_of_today(company(), same_instant) == date(2026, 11, 21)
    assert as_of_today(company(), same_instant.replace(hour=16)) == date(2026, 11, 22)
    assert as_of_today(company("America/New_York"), same_instant) == date(2026, 11, 21)


@pytest.mark.parametrize("hour", [0, 1, 2, 3])
def test_a_night_in_which_clocks_change_describes_the_day_before(hour):
    clocks_go_back = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    assert as_of_today(company("Europe/London"), clocks_go_back) == date(2026, 10, 24)


def test_a_company_whose_data_end_stays_on_its_last_day():
    ended = company("Europe/London", date(2011, 12, 9))
    assert as_of_today(ended, TWO_IN_SHANGHAI) == date(2011, 12, 9)
    assert day_to_describe(ended, scheduled="2026-11-22", now=TWO_IN_SHANGHAI) == date(2011, 12, 9)


def test_a_night_that_runs_late_describes_the_day_it_was_scheduled_for():
    assert day_to_describe(company(), scheduled="2026-11-20", now=TWO_IN_SHANGHAI) == date(2026, 11, 20)


def test_a_person_is_asked_before_the_schedule():
    day = day_to_describe(company(), asked="2026-11-01", scheduled="2026-11-20", now=TWO_IN_SHANGHAI)
    assert day == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("asked", "last_day", "said"),
    [
        ("2026-11-23", None, "not over yet in Asia/Shanghai; the last complete day is 2026-11-22"),
        ("2011-12-10", date(2011, 12, 9), "the last day of this company"),
        ("2011-13-01", None, "'2011-13-01' is no day"),
        ("last friday", None, "is no day"),
    ],
)
def test_a_day_that_cannot_be_described_is_refused(asked, last_day, said):
    with pytest.raises(ConfigurationRefused, match=said):
        day_to_describe(company(last_day=last_day), asked=asked, now=TWO_IN_SHANGHAI)
