"""The generated histories: each is decided once, however many tests look at it."""

from __future__ import annotations

import functools
from pathlib import Path

from . import batch, cases
from .oracle import Case, Decision, decide

# 225 histories that the oracle decides too: (seed, cases, days, customers at most)
HELD_AGAINST_THE_ORACLE = ((1, 75, 7, 25), (2, 75, 6, 25), (5, 75, 9, 25))
# with these, more than 1,000 for what follows from the decision table
FOLLOWED = (*HELD_AGAINST_THE_ORACLE, *((seed, 200, 5, 14) for seed in (101, 102, 103, 104)))
FEW = 25  # enough cases for what needs a build of its own

Batch = tuple[int, int, int, int]


@functools.cache
def by_the_oracle(which: Batch) -> dict[str, list[Decision]]:
    return {case.name: decide(case) for case in generated(which)}


@functools.cache
def by_sql(home: Path, which: Batch) -> batch.Got:
    return batch.decide_at_once(home, generated(which))


def generated(which: Batch) -> tuple[Case, ...]:
    return cases.batch(*which)


def few(which: Batch, days: int | None = None) -> tuple[Case, ...]:
    """The first cases of a batch: what another policy does in the same build concerns none of them."""
    return tuple(batch.shortened(case, days) for case in generated(which)[:FEW])


def part(got: batch.Got, chosen: tuple[Case, ...]) -> batch.Got:
    """The decisions of these cases on their days."""
    names, days = {case.name for case in chosen}, set(chosen[0].days)
    return {at: row for at, row in got.items() if at[0] in names and at[1] in days}
