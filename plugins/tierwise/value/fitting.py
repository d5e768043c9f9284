"""Maximum likelihood with exact derivatives, on distinct cells with counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Numbers = NDArray[np.float64]
Likelihood = Callable[[Numbers], tuple[float, Numbers, Numbers]]
"""Of positive parameters: the log-likelihood of all data, its gradient and its Hessian by the parameters."""

_TOLERANCE = 1e-9  # of the gradient by a parameter's logarithm, for one observation
_SAME = 1e-4  # by so much may the optimum move with the start, as a share of each parameter
_FLAT = 1e-7  # an eigenvalue of the information for one observation below it: the data do not say


@dataclass(frozen=True)
class Fit:
    """Where the likelihood is highest.

    `is_identified`: the same from every start, and the information there is positive definite. Parameters of a fit that
    is not say something about the optimiser, not about the customers.
    """

    parameters: tuple[float, ...]
    log_likelihood: float
    is_converged: bool
    is_identified: bool
    steps: int


def counted(values: Numbers, weights: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct values in their order, and the sum of the weights of each."""
    distinct, which = np.unique(values, return_inverse=True)
    return distinct, np.bincount(which, weights=weights).astype(np.float64)


def maximise(likelihood: Likelihood, starts: Sequence[tuple[float, ...]], observations: float) -> Fit:
    """Find the parameters, all positive, that make the data most likely; they are searched by their logarithms.

    `observations` is how many the data are, cells times counts.
    """
    found = [_climb(likelihood, np.log(start), observations) for start in starts]
    best = max(found, key=lambda one: one.log_likelihood)
    moved = [abs(other / one - 1) for fit in found for one, other in zip(best.parameters, fit.parameters, strict=True)]
    return Fit(
        best.parameters,
        best.log_likelihood,
        best.is_converged,
        best.is_identified and max(moved) < _SAME,
        best.steps,
    )


def _climb(likelihood: Likelihood, start: Numbers, observations: float) -> Fit:
    last: dict[bytes, tuple[float, Numbers, Numbers]] = {}

    def by_logarithms(logarithms: Numbers) -> tuple[float, Numbers, Numbers]:
        """The optimiser asks for value and Hessian of a point one after the other."""
        point = logarithms.tobytes()
        if point not in last:
            last.clear()
            last[point] = evaluated(logarithms)
        return last[point]

    def evaluated(logarithms: Numbers) -> tuple[float, Numbers, Numbers]:
        parameters = np.exp(logarithms)
        value, gradient, hessian = likelihood(parameters)
        by_log = parameters * gradient
        curved = np.outer(parameters, parameters) * hessian + np.diag(by_log)
        return -value / observations, -by_log / observations, -curved / observations

    ended = minimize(
        lambda at: by_logarithms(at)[:2],
        start,
        method="trust-exact",
        jac=True,
        hess=lambda at: by_logarithms(at)[2],
        options={"gtol": _TOLERANCE, "max_trust_radius": 2.0},
    )
    value, gradient, information = by_logarithms(ended.x)
    is_converged = bool(np.all(np.isfinite(ended.x)) and np.linalg.norm(gradient) < 1e3 * _TOLERANCE)
    return Fit(
        tuple(float(p) for p in np.exp(ended.x)),
        float(-value * observations),
        is_converged,
        is_converged and bool(np.linalg.eigvalsh(information).min() > _FLAT),
        int(ended.nit),
    )
