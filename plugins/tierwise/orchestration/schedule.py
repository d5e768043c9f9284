"""When the refresh runs, which day it describes, and how a person asks for another one."""

from __future__ import annotations

from airflow.sdk import CronPartitionTimetable, Param

from tierwise.configuration import company
from tierwise.errors import Refusal

DAY = Param(
    "",
    type="string",
    pattern=r"^(\d{4}-\d{2}-\d{2})?$",
    title="Day to describe · 描述哪一天",
    description="YYYY-MM-DD. Empty: the last complete day of the company. · 留空：公司时区内最近一个完整的日子。",
)


def company_time_zone() -> str:
    """The company's time zone. UTC where company.yml cannot be read: the run must start, for it says what is wrong."""
    try:
        return company().time_zone
    except Refusal:
        return "UTC"


def every_night() -> CronPartitionTimetable:
    """02:00 in the company's time zone, for the day before; the key is that day."""
    return CronPartitionTimetable("0 2 * * *", timezone=company_time_zone(), run_offset=-1, key_format="%Y-%m-%d")
