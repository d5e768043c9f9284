"""BG/NBD: how often a customer will buy, and whether he still does.

Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24(2), 2005; (n) are its equations.
Customers buy at a rate that is gamma distributed over them (r, alpha), and after each purchase drop out with a
probability that is beta distributed (a, b). Where nobody is seen to drop out, what is left is the NBD.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln, hyp2f1, polygamma

from tierwise.value.fitting import Fit, Numbers, counted, maximise

_STARTS = [(1.0, 1.0, 1.0, 1.0), (0.3, 5.0, 0.5, 3.0)]  # alpha by the mean age
_NO_DROP_OUT = 0.001  # a / (a + b) below it
_MONTHS = 12
_AT_ONE = 1e-5  # (10) has a gap at a = 1, which its two sides close


@dataclass(frozen=True)
class Cells:
    """Distinct purchase histories, and how many customers have each: four arrays of one length.

    `repeats` is x, `last` is t_x (first to last purchase, 0 without a repeat), `age` is T (first purchase to today).
    """

    repeats: Numbers
    last: Numbers
    age: Numbers
    customers: Numbers

    @cached_property
    def by_repeats(self) -> tuple[Numbers, Numbers]:
        """The distinct numbers of repeats, and how many customers have each: few, and all that the gamma functions ask."""
        return counted(self.repeats, self.customers)

    @cached_property
    def by_repeats_and_age(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """One cell of each pair of repeats and age, and for every cell which pair it is: a forecast of who is still there
        does not ask when the last purchase was."""
        pairs = self.repeats * (self.age.max() + 1) + self.age
        _, first, which = np.unique(pairs, return_index=True, return_inverse=True)
        return first, which


@dataclass(frozen=True)
class Parameters:
    """`alpha` has the unit of time; `a` and `b` are None where nobody is seen to drop out."""

    r: float
    alpha: float
    a: float | None = None
    b: float | None = None


def fit(cells: Cells) -> tuple[Parameters, Fit]:
    """The most likely parameters. Without a drop-out that the data show (a / (a + b) below 0.001, information that is not
    positive definite, another optimum from another start) those of the NBD."""
    unit = float(np.average(cells.age, weights=cells.customers)) / 10
    observations = float(cells.customers.sum())
    starts = [(r, alpha * unit, a, b) for r, alpha, a, b in _STARTS]
    found = maximise(lambda p: log_likelihood(cells, p), starts, observations)
    r, alpha, a, b = found.parameters
    if found.is_identified and a / (a + b) >= _NO_DROP_OUT:
        return Parameters(r, alpha, a, b), found
    found = maximise(lambda p: _log_likelihood_without_drop_out(cells, p), [s[:2] for s in starts], observations)
    return Parameters(*found.parameters), found


def log_likelihood(cells: Cells, parameters: Numbers) -> tuple[float, Numbers, Numbers]:
    """(6), over all customers: its value, gradient and Hessian by r, alpha, a, b."""
    r, alpha, a, b = parameters
    few, many = cells.by_repeats
    value = many @ (
        gammaln(r + few)
        - gammaln(r)
        + r * np.log(alpha)
        + gammaln(a + b)
        + gammaln(b + few)
        - gammaln(b)
        - gammaln(a + b + few)
    )
    of_beta = digamma(a + b) - digamma(a + b + few)
    gradient = np.array(
        [
            many @ (digamma(r + few) - digamma(r) + np.log(alpha)),
            many.sum() * r / alpha,
            many @ of_beta,
            many @ (of_beta + digamma(b + few) - digamma(b)),
        ]
    )
    beta = many @ (_trigamma(a + b) - _trigamma(a + b + few))
    hessian = np.zeros((4, 4))
    hessian[0, 0] = many @ (_trigamma(r + few) - _trigamma(r))
    hessian[0, 1] = hessian[1, 0] = many.sum() / alpha
    hessian[1, 1] = -many.sum() * r / alpha**2
    hessian[2:, 2:] = beta
    hessian[3, 3] += many @ (_trigamma(b + few) - _trigamma(b))
    return tuple(
        one + other for one, other in zip((value, gradient, hessian), _of_silence(cells, parameters), strict=True)
    )


def _of_silence(cells: Cells, parameters: Numbers) -> tuple[float, Numbers, Numbers]:
    """The last factor of (6), which alone asks when the purchases were: of each cell, and by the parameters."""
    r, alpha, a, b = parameters
    x, n = cells.repeats, cells.customers
    until_now, until_last = alpha + cells.age, alpha + cells.last
    log_now, log_last = np.log(until_now), np.log(until_last)
    again = x > 0
    others = np.where(again, b + x - 1, 1.0)
    alive = -(r + x) * log_now
    gone = np.log(a) - np.log(others) - (r + x) * log_last
    value = float(n @ np.where(again, np.logaddexp(alive, gone), alive))
    share = np.where(again, expit(gone - alive), 0.0)  # of the likelihood, that the last purchase was the last one
    gone_for_good, weight = n * share, n * share * (1 - share)
    apart = np.stack(
        [log_now - log_last, (r + x) * (1 / until_now - 1 / until_last), np.full_like(x, 1 / a), -1 / others]
    )
    gradient = apart @ gone_for_good
    gradient[0] -= n @ log_now
    gradient[1] -= n @ ((r + x) / until_now)
    hessian = (apart * weight) @ apart.T
    cross = (n - gone_for_good) @ (1 / until_now) + gone_for_good @ (1 / until_last)
    hessian[0, 1] -= cross
    hessian[1, 0] -= cross
    hessian[1, 1] += (n - gone_for_good) @ ((r + x) / until_now**2) + gone_for_good @ ((r + x) / until_last**2)
    hessian[2, 2] -= gone_for_good.sum() / a**2
    hessian[3, 3] += gone_for_good @ (1 / others**2)
    return value, gradient, hessian


def probability_alive(parameters: Parameters, cells: Cells) -> Numbers:
    """That a customer has not dropped out; nan for everybody where nobody is seen to. Fader, Hardie and Lee, "Computing
    P(alive) Using the BG/NBD Model", 2008."""
    if parameters.a is None or parameters.b is None:
        return np.full_like(cells.age, np.nan)
    return 1 / (1 + _odds_gone(parameters.r, parameters.alpha, parameters.a, parameters.b, cells))


def expected_purchases(parameters: Parameters, cells: Cells, horizon: float) -> Numbers:
    """(10): how many purchases a customer of each cell will make within `horizon` from today."""
    r, alpha = parameters.r, parameters.alpha
    if parameters.a is None or parameters.b is None:
        return (r + cells.repeats) / (alpha + cells.age) * horizon
    a, b = parameters.a, parameters.b
    if abs(a - 1) < _AT_ONE:
        sides = [Parameters(r, alpha, 1 + side, b) for side in (-2 * _AT_ONE, 2 * _AT_ONE)]
        return np.mean([expected_purchases(side, cells, horizon) for side in sides], axis=0)
    first, which = cells.by_repeats_and_age
    x = cells.repeats[first]
    if_alive = _if_alive(r + x, alpha + cells.age[first], a, b + x, horizon)
    return if_alive[which] / (1 + _odds_gone(r, alpha, a, b, cells))


def discounted_purchases(parameters: Parameters, cells: Cells, year: float, discount_rate: float) -> Numbers:
    """The purchases of the year to come, each worth less the later it is: by months of equal length, a month's at its end.

    `year` is its length in the unit of the cells, `discount_rate` what a year takes off, such as 0.10.
    """
    by_month = [expected_purchases(parameters, cells, year * month / _MONTHS) for month in range(_MONTHS + 1)]
    worth = (1 + discount_rate) ** (-np.arange(1, _MONTHS + 1) / _MONTHS)
    return worth @ np.diff(by_month, axis=0)


def expected_of_newcomer(parameters: Parameters, horizon: float) -> float:
    """(9): how many repeated purchases anybody makes within `horizon` from the first."""
    nobody = np.zeros(1)
    return float(expected_purchases(parameters, Cells(nobody, nobody, nobody, nobody + 1), horizon)[0])


def _if_alive(r: Numbers, alpha: Numbers, a: float, b: Numbers, horizon: float) -> Numbers:
    """The numerator of (10), for a gamma (r, alpha) and a beta (a, b) that know the past already.

    By Euler's transformation of the hypergeometric function, whose own terms overflow for busy customers.
    """
    z = horizon / (alpha + horizon)
    grown = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, a + b - 1, z)
    return (a + b - 1) / (a - 1) * (1 - grown)


def _odds_gone(r: float, alpha: float, a: float, b: float, cells: Cells) -> Numbers:
    x = cells.repeats
    others = np.where(x > 0, b + x - 1, 1.0)
    silent = np.exp((r + x) * np.log((alpha + cells.age) / (alpha + cells.last)))
    return np.where(x > 0, a / others * silent, 0.0)


def _log_likelihood_without_drop_out(cells: Cells, parameters: Numbers) -> tuple[float, Numbers, Numbers]:
    """(6) as a goes to 0."""
    r, alpha = parameters
    few, many = cells.by_repeats
    x, n, until_now = cells.repeats, cells.customers, alpha + cells.age
    log_now, of_now = n @ np.log(until_now), n @ (1 / until_now)
    rates = (r + x) / until_now
    value = many @ (gammaln(r + few) - gammaln(r) + r * np.log(alpha)) - n @ ((r + x) * np.log(until_now))
    gradient = np.array(
        [
            many @ (digamma(r + few) - digamma(r) + np.log(alpha)) - log_now,
            many.sum() * r / alpha - n @ rates,
        ]
    )
    cross = many.sum() / alpha - of_now
    hessian = np.array(
        [
            [many @ (_trigamma(r + few) - _trigamma(r)), cross],
            [cross, n @ (rates / until_now) - many.sum() * r / alpha**2],
        ]
    )
    return float(value), gradient, hessian


def _trigamma(at: Numbers | float) -> Numbers:
    return polygamma(1, at)
