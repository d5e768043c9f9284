"""The purchases of CDNOW as its authors count them: every day with a purchase, zero-value days too, in weeks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tierwise.value import bg_nbd, gamma_gamma

_CUSTOMERS = f"""
    with days as (
        select sample_id as customer, date::date as day, sum(value) as amount
        from '{Path(__file__).parent / "cdnow" / "CDNOW_sample.parquet"}'
        group by all
    ),
    seen as (
        select
            customer, count(*) - 1 as repeats, (max(day) - min(day)) / 7 as last,
            (date '1997-09-30' - min(day)) / 7 as age, (sum(amount) - arg_min(amount, day)) / repeats as amount
        from days
        where day <= date '1997-09-30'
        group by customer
    ),
    later as (
        select customer, count(*) as bought_later
        from days
        where day > date '1997-09-30' and day <= date '1998-06-30'
        group by customer
    )
    select seen.*, coalesce(bought_later, 0) as bought_later from seen left join later using (customer)"""


@dataclass(frozen=True)
class Cdnow:
    """The calibration period's histories, and how often each of their cells bought in the 39 weeks after it."""

    histories: bg_nbd.Cells
    spend: gamma_gamma.Cells
    bought_later: np.ndarray


@pytest.fixture(scope="session")
def cdnow() -> Cdnow:
    with duckdb.connect() as d:

        def columns(sql: str) -> list[np.ndarray]:
            return [column.astype(float) for column in d.execute(sql).fetchnumpy().values()]

        *histories, bought_later = columns(
            "select repeats, last, age, count(*) as customers, sum(bought_later) as bought_later"
            f" from ({_CUSTOMERS}) group by all order by all"
        )
        spend = columns(
            f"select repeats, amount, count(*) as customers from ({_CUSTOMERS}) where repeats > 0 and amount > 0 group by all order by all"
        )
    return Cdnow(bg_nbd.Cells(*histories), gamma_gamma.Cells(*spend), bought_later)
