"""What the authors of the models published about CDNOW, to one unit of the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from tierwise.value import bg_nbd, gamma_gamma, holdout


@pytest.fixture(scope="module")
def fitted(cdnow):
    return bg_nbd.fit(cdnow.histories)


def test_the_sample_is_the_one_of_the_papers(cdnow):
    assert cdnow.histories.customers.sum() == 2357
    assert (cdnow.histories.repeats * cdnow.histories.customers).sum() == 2457
    assert cdnow.spend.customers.sum() == 946


def test_bg_nbd_has_the_published_parameters(fitted):
    parameters, fit = fitted
    assert fit.is_converged
    assert fit.is_identified
    assert parameters.r == pytest.approx(0.243, abs=0.001)
    assert parameters.alpha == pytest.approx(4.414, abs=0.001)
    assert parameters.a == pytest.approx(0.793, abs=0.001)
    assert parameters.b == pytest.approx(2.426, abs=0.001)
    assert fit.log_likelihood == pytest.approx(-9582.4, abs=0.1)


def test_a_customer_of_the_paper_buys_as_often_as_published(fitted):
    one = bg_nbd.Cells(*(np.array([value]) for value in (2.0, 30.43, 38.86, 1.0)))
    assert bg_nbd.expected_purchases(fitted[0], one, 39)[0] == pytest.approx(1.226, abs=0.001)


@pytest.mark.parametrize(
    ("weeks", "published"),
    [(0.1429, 0.0078), (1, 0.0532), (3, 0.1506), (31.8571, 1.0405), (32, 1.0437), (78, 1.8576)],
)
def test_a_newcomer_buys_as_often_as_published(fitted, weeks, published):
    """To three digits: the optimum that these were computed with was a little off the top."""
    assert bg_nbd.expected_of_newcomer(fitted[0], weeks) == pytest.approx(published, abs=0.0001, rel=3e-4)


def test_gamma_gamma_has_the_published_parameters(cdnow):
    parameters, fit = gamma_gamma.fit(cdnow.spend)
    assert fit.is_identified
    assert parameters.p == pytest.approx(6.25, abs=0.01)
    assert parameters.q == pytest.approx(3.74, abs=0.01)
    assert parameters.v == pytest.approx(15.44, abs=0.01)


def test_who_spent_more_is_expected_to_spend_more_as_published(cdnow):
    """Of the first ten customers of the sample: mean spend of their repeats, and what is expected of them."""
    parameters, _ = gamma_gamma.fit(cdnow.spend)
    repeats, amount = (
        np.array([2.0, 1, 0, 0, 0, 7, 1, 0, 2, 0]),
        np.array([22.35, 11.77, 0, 0, 0, 73.74, 11.77, 0, 25.55, 0]),
    )
    expected = gamma_gamma.expected_amount(parameters, repeats, amount)
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert expected == pytest.approx(published, abs=0.02)


def test_in_the_weeks_after_the_model_errs_less_than_rates_that_go_on(cdnow):
    """The authors, too, forecast less than came: cumulated over 78 weeks about a twentieth."""
    _, held = holdout.hold_out(cdnow.histories, cdnow.bought_later, 39)
    assert held.came == 1882
    assert (2457 + held.expected) / (2457 + held.came) == pytest.approx(0.95, abs=0.01)
    assert abs(held.expected - held.came) < abs(held.naive - held.came) / 4
    assert held.error < held.naive_error


def test_everybody_is_in_one_group_of_the_calibration(cdnow):
    """By repeats in the first 39 weeks, 0 to 6, and 7 and more: hand-counted from the raw file."""
    _, held = holdout.hold_out(cdnow.histories, cdnow.bought_later, 39)
    assert [group.customers for group in held.groups] == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert sum(group.expected for group in held.groups) == pytest.approx(held.expected)
    assert sum(group.came for group in held.groups) == held.came
    assert [group.expected / group.customers for group in held.groups] == sorted(
        group.expected / group.customers for group in held.groups
    )
