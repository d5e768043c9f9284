"""Whether a model forecasts: parameters from what was known some time ago, against what came since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tierwise.value import bg_nbd
from tierwise.value.bg_nbd import Cells
from tierwise.value.fitting import Numbers

MOST_APART = 7  # so many repeated purchases, and more, stand together


@dataclass(frozen=True)
class Group:
    """The customers with `repeats` repeated purchases back then (or more, in the last group): how many purchases were
    expected of all of them since, and how many came."""

    repeats: int
    customers: int
    expected: float
    came: float


@dataclass(frozen=True)
class Holdout:
    """What was expected of everybody, by the model and by each one's rate going on as it was, and what came.

    Errors are those of the mean of each cell, weighted by its customers.
    """

    expected: float
    naive: float
    came: float
    error: float
    naive_error: float
    groups: tuple[Group, ...]


def hold_out(cells: Cells, came: Numbers, horizon: float) -> tuple[bg_nbd.Parameters, Holdout]:
    """Fit on `cells` as they stood when `horizon` began; `came` is what all customers of each cell bought in it together."""
    parameters, _ = bg_nbd.fit(cells)
    of_each = bg_nbd.expected_purchases(parameters, cells, horizon)
    at_their_rate = np.where(cells.age > 0, cells.repeats / np.maximum(cells.age, 1e-12) * horizon, 0.0)
    people = cells.customers
    mean = came / people
    groups = np.minimum(cells.repeats, MOST_APART).astype(int)
    return parameters, Holdout(
        expected=float(of_each @ people),
        naive=float(at_their_rate @ people),
        came=float(came.sum()),
        error=float(np.abs(of_each - mean) @ people / people.sum()),
        naive_error=float(np.abs(at_their_rate - mean) @ people / people.sum()),
        groups=tuple(
            Group(
                repeats=int(n),
                customers=int(people[groups == n].sum()),
                expected=float(of_each[groups == n] @ people[groups == n]),
                came=float(came[groups == n].sum()),
            )
            for n in np.unique(groups)
        ),
    )
