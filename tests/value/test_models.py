"""Invariants of the models, whatever their parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.value import bg_nbd, gamma_gamma

POSITIVE = st.floats(0.05, 20)
PARAMETERS = st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE)
HISTORIES = st.lists(
    st.tuples(st.integers(0, 40), st.floats(0, 1), st.floats(1, 500), st.integers(1, 1000)), min_size=1, max_size=8
)
SPEND = st.lists(st.tuples(st.integers(1, 40), st.floats(0.01, 1e4), st.integers(1, 1000)), min_size=1, max_size=8)


def _cells(histories) -> bg_nbd.Cells:
    repeats, share, age, customers = (np.array(column, dtype=float) for column in zip(*histories, strict=True))
    return bg_nbd.Cells(repeats, np.where(repeats > 0, share * age, 0), age, customers)


def _agree(likelihood, at) -> None:
    """Gradient and Hessian are those of central differences."""
    at = np.array(at)
    _, gradient, hessian = likelihood(at)
    for n, step in enumerate(np.diag(at * 1e-5)):
        above, below = likelihood(at + step), likelihood(at - step)
        width = 2 * step[n]
        scale = 1e-4 * max(1.0, abs(above[0]))
        assert gradient[n] * at[n] == pytest.approx((above[0] - below[0]) / width * at[n], rel=1e-3, abs=scale)
        by_difference = (above[1] - below[1]) / width
        size = np.abs(hessian).max() + 1
        assert hessian[n] / size == pytest.approx(by_difference / size, rel=1e-3, abs=1e-4)


@given(PARAMETERS, HISTORIES)
def test_the_derivatives_of_bg_nbd_are_those_of_its_likelihood(parameters, histories):
    _agree(lambda at: bg_nbd.log_likelihood(_cells(histories), at), parameters)


@given(st.tuples(POSITIVE, POSITIVE, POSITIVE), SPEND)
def test_the_derivatives_of_gamma_gamma_are_those_of_its_likelihood(parameters, spend):
    cells = gamma_gamma.Cells(*(np.array(column, dtype=float) for column in zip(*spend, strict=True)))
    _agree(lambda at: gamma_gamma.log_likelihood(cells, at), parameters)


@given(PARAMETERS, HISTORIES, st.floats(0.1, 1000))
def test_probabilities_are_probabilities_and_a_longer_year_brings_more(parameters, histories, horizon):
    model, cells = bg_nbd.Parameters(*parameters), _cells(histories)
    alive = bg_nbd.probability_alive(model, cells)
    assert np.all((alive > 0) & (alive <= 1) | (cells.repeats > 0) & (alive >= 0))
    assert np.all(alive[cells.repeats == 0] == 1)
    short, long = (bg_nbd.expected_purchases(model, cells, h) for h in (horizon, 2 * horizon))
    assert np.all(short >= -1e-9)
    assert np.all(long >= short - 1e-9)


@given(PARAMETERS, HISTORIES, st.floats(1, 400), st.floats(0.01, 100))
def test_days_or_weeks_make_no_difference(parameters, histories, horizon, unit):
    r, alpha, a, b = parameters
    cells = _cells(histories)
    other = bg_nbd.Cells(cells.repeats, cells.last * unit, cells.age * unit, cells.customers)
    ours = bg_nbd.expected_purchases(bg_nbd.Parameters(r, alpha, a, b), cells, horizon)
    theirs = bg_nbd.expected_purchases(bg_nbd.Parameters(r, alpha * unit, a, b), other, horizon * unit)
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9)


@given(PARAMETERS, HISTORIES, st.floats(0.001, 2))
def test_what_comes_later_is_worth_less(parameters, histories, rate):
    model, cells = bg_nbd.Parameters(*parameters), _cells(histories)
    whole = bg_nbd.expected_purchases(model, cells, 365)
    assert bg_nbd.discounted_purchases(model, cells, 365, 0) == pytest.approx(whole)
    discounted = bg_nbd.discounted_purchases(model, cells, 365, rate)
    assert np.all(discounted <= whole + 1e-9)
    assert np.all(discounted >= whole / (1 + rate) - 1e-9)


def test_of_the_busiest_customer_a_number_is_expected():
    """The textbook form of the hypergeometric function overflows here."""
    busy = bg_nbd.Cells(*(np.array([value]) for value in (3000.0, 3649.0, 3650.0, 1.0)))
    expected = bg_nbd.expected_purchases(bg_nbd.Parameters(0.5, 10, 0.8, 2.5), busy, 365)
    assert 250 < expected[0] < 310


def test_at_a_of_one_the_two_sides_meet():
    cells = _cells([(3, 0.7, 200, 1)])
    below, at, above = (
        bg_nbd.expected_purchases(bg_nbd.Parameters(0.5, 10, a, 2.5), cells, 90)[0] for a in (0.999, 1.0, 1.001)
    )
    assert above < at < below
    assert at == pytest.approx((below + above) / 2, rel=1e-6)


def test_where_nobody_drops_out_the_model_says_so():
    """Customers who buy at a rate of their own and never stop: P(alive) is not known, and rates go on."""
    draws = np.random.default_rng(7)
    rates = draws.gamma(0.8, 1 / 40, 4000)
    age = draws.integers(200, 700, 4000).astype(float)
    repeats = draws.poisson(rates * age).astype(float)
    last = np.where(repeats > 0, age * draws.beta(np.maximum(repeats, 1), 1), 0).round()
    model, fit = bg_nbd.fit(bg_nbd.Cells(repeats, last, age, np.ones(4000)))
    assert fit.is_converged
    assert (model.a, model.b) == (None, None)
    assert model.r == pytest.approx(0.8, rel=0.1)
    assert model.alpha == pytest.approx(40, rel=0.1)
    cells = bg_nbd.Cells(repeats, last, age, np.ones(4000))
    assert np.all(np.isnan(bg_nbd.probability_alive(model, cells)))
    assert bg_nbd.expected_purchases(model, cells, 90).sum() == pytest.approx(rates.sum() * 90, rel=0.05)


def test_spend_and_frequency_that_go_together_are_seen():
    cells = gamma_gamma.Cells(np.array([1.0, 2, 3]), np.array([10.0, 20, 30]), np.array([5.0, 1, 1]))
    assert gamma_gamma.correlation(cells) == pytest.approx(1)
