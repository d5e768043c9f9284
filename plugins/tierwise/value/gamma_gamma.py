"""Gamma-Gamma: how much a customer will spend on a purchase.

Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", 2013; (n) are its equations. It takes spend and frequency to
be uncorrelated, and knows nothing of customers without a repeated purchase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from tierwise.value.fitting import Fit, Numbers, maximise

_STARTS = [(2.0, 3.0, 1.0), (6.0, 4.0, 0.5)]  # v by the mean amount


@dataclass(frozen=True)
class Cells:
    """Distinct pairs of repeated purchases (x, at least 1) and their mean amount (m_x, above 0), and how many customers
    have each: three arrays of one length."""

    repeats: Numbers
    amount: Numbers
    customers: Numbers


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
    x, m, n = cells.repeats, cells.amount, cells.customers
    spent = v + x * m
    value = (
        gammaln(p * x + q)
        - gammaln(p * x)
        - gammaln(q)
        + q * np.log(v)
        + (p * x - 1) * np.log(m)
        + p * x * np.log(x)
        - (p * x + q) * np.log(spent)
    )
    gradient = np.stack(
        [
            x * (digamma(p * x + q) - digamma(p * x) + np.log(x * m) - np.log(spent)),
            digamma(p * x + q) - digamma(q) + np.log(v) - np.log(spent),
            q / v - (p * x + q) / spent,
        ]
    )
    both = polygamma(1, p * x + q)
    pp, pq, pv = x**2 * (both - polygamma(1, p * x)), x * both, -x / spent
    qq, qv = both - polygamma(1, q), 1 / v - 1 / spent
    vv = (p * x + q) / spent**2 - q / v**2
    hessian = np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])
    return float(n @ value), gradient @ n, hessian @ n


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
