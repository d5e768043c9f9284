"""What day it is: the only place that asks. The faces call it; everything else is told the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tierwise.errors import ConfigurationRefused

if TYPE_CHECKING:
    from tierwise.configuration import Company


def as_of_today(company: Company, now: datetime | None = None) -> date:
    """The last complete day in the company's time zone, no later than the last day the company has."""
    local = (now or datetime.now(UTC)).astimezone(ZoneInfo(company.time_zone))
    yesterday = local.date() - timedelta(days=1)
    return min(yesterday, company.clock.last_day or yesterday)


def day_to_describe(company: Company, *, asked: str = "", scheduled: str = "", now: datetime | None = None) -> date:
    """The day a run describes: the one a person asked for, else the schedule's, else the last complete one.

    A scheduled night never goes beyond the last day the company has. A person who asks for such a day gets
    ConfigurationRefused.
    """
    last = as_of_today(company, now)
    if not asked:
        return min(day(scheduled), last) if scheduled else last
    wanted = day(asked)
    if wanted > last and company.clock.last_day == last:
        raise ConfigurationRefused(
            f"{wanted} is after {last}, the last day of this company (clock.last_day in config/company.yml).",
            hint=f"ask for {last} or an earlier day, or move clock.last_day",
        )
    if wanted > last:
        raise ConfigurationRefused(
            f"{wanted} is not over yet in {company.time_zone}; the last complete day is {last}.",
            hint=f"ask for {last}, or wait until the day is over",
        )
    return wanted


def next_day(company: Company, released: date | None, now: datetime | None = None) -> date:
    """The first day that the next run can describe: the one after the released day, or that one again where the company
    has no later one. Before the first release it is the last complete day.
    """
    last = as_of_today(company, now)
    if released is None:
        return last
    following = released + timedelta(days=1)
    return min(following, company.clock.last_day or following)


def days_ago(days: int) -> datetime:
    """The moment so many days ago, for what keeps Airflow small."""
    return datetime.now(UTC) - timedelta(days=days)


def day(text: str) -> date:
    """A day as people write it. Raises ConfigurationRefused for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise ConfigurationRefused(f"{text!r} is no day.", hint="write it as 2011-12-09") from None
