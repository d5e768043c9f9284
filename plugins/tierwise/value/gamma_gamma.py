"""Gamma-Gamma: how much a customer will spend on a purchase.

Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", 2013; (n) are its equations. It takes spend and frequency to
be uncorrelated, and knows nothing of customers without a repeated purchase.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from tierwise.value.fitting import Fit, Numbers, counted, maximise

_STARTS = [(2.0, 3.0, 1.0), (6.0, 4.0, 0.5)]  # v by the mean amount


@dataclass(frozen=True)
class Cells:
    """Distinct pairs of repeated purchases (x, at least 1) and their mean amount (m_x, above 0), and how many customers
    have each: three arrays of one length."""

    repeats: Numbers
    amount: Numbers
    customers: Numbers

    @cached_property
    def by_repeats(self) -> tuple[Numbers, Numbers]:
        """The distinct numbers of repeats, and how many customers have each: few, and all that the gamma functions ask."""
        return counted(self.repeats, self.customers)


@dataclass(frozen=True)
class Parameters:
    """`v` (the paper's gamma) has the unit of money."""

    p: float
    q: float
    v: float


def fit(cells: Cells) -> tuple[Parameters, Fit]:
    """The most likely parameters."""
    unit = float(np.average(cells.amount, weights=cells.customers))
    starts = [(p, q, v * unit) for p, q, v in _STARTS]
    found = maximise(lambda parameters: log_likelihood(cells, parameters), starts, float(cells.customers.sum()))
    return Parameters(*found.parameters), found


def log_likelihood(cells: Cells, parameters: Numbers) -> tuple[float, Numbers, Numbers]:
    """(1a), over all customers: its value, gradient and Hessian by p, q, v."""
    p, q, v = parameters
    few, many = cells.by_repeats
    x, m, n = cells.repeats, cells.amount, cells.customers
    spent = v + x * m
    log_spent, of_spent = np.log(spent), 1 / spent
    customers = many.sum()
    value = (
        many @ (gammaln(p * few + q) - gammaln(p * few) - gammaln(q) + p * few * np.log(few))
        + customers * q * np.log(v)
        + n @ ((p * x - 1) * np.log(m))
        - n @ ((p * x + q) * log_spent)
    )
    of_both = digamma(p * few + q)
    gradient = np.array(
        [
            many @ (few * (of_both - digamma(p * few))) + n @ (x * (np.log(x * m) - log_spent)),
            many @ (of_both - digamma(q)) + customers * np.log(v) - n @ log_spent,
            customers * q / v - n @ ((p * x + q) * of_spent),
        ]
    )
    both = polygamma(1, p * few + q)
    pp = many @ (few**2 * (both - polygamma(1, p * few)))
    pq = many @ (few * both)
    pv = -(n @ (x * of_spent))
    qq = many @ both - customers * polygamma(1, q)
    qv = customers / v - n @ of_spent
    vv = n @ ((p * x + q) * of_spent**2) - customers * q / v**2
    return float(value), gradient, np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])


def expected_amount(parameters: Parameters, repeats: Numbers, amount: Numbers) -> Numbers:
    """(5): what a customer spends on a purchase to come, given `repeats` purchases of `amount` on average so far.

    Without a repeat it is what everybody spends, p v / (q - 1); infinite or negative means make no sense where q ≤ 1.
    """
    p, q, v = parameters.p, parameters.q, parameters.v
    return p * (v + repeats * amount) / (p * repeats + q - 1)


def correlation(cells: Cells) -> float:
    """Pearson's, of the number of repeated purchases and their mean amount, over customers."""
    seen = np.cov(cells.repeats, cells.amount, fweights=cells.customers.astype(np.int64))
    spread = float(np.sqrt(seen[0, 0] * seen[1, 1]))
    return float(seen[0, 1]) / spread if spread > 0 else 0.0
