"""A weighted score says what it is made of; one that is not meant is answered with what to write."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
import yaml
from pydantic import ValidationError

from tierwise.policy.scores import Score

SCORE = """\
contribution:
  weight: 0.5
  parts:
    - {measure: net_revenue_12m, scored_by: value_share, weight: 60}
    - measure: gross_profit_12m
      scored_by: points
      weight: 40
      points: [{at_least: 1000, points: 40}, {at_least: 100, points: 15.5}, {points: 0}]
loyalty:
  weight: 0.5
  parts:
    - {measure: orders_12m, scored_by: percentile, weight: 1}
"""


def _read(text: str) -> Score:
    def exactly(value):
        if isinstance(value, dict):
            return {key: exactly(one) for key, one in value.items()}
        if isinstance(value, list):
            return [exactly(one) for one in value]
        return Decimal(str(value)) if isinstance(value, float) else value

    return Score.model_validate(exactly(yaml.safe_load(text)))


def test_a_score_gives_each_part_its_place():
    score = _read(SCORE)
    assert score.scores == ["value_score", "contribution_score", "loyalty_score"]
    assert [(one.dimension, one.position, one.part.measure) for one in score.each()] == [
        ("contribution", 1, "net_revenue_12m"),
        ("contribution", 2, "gross_profit_12m"),
        ("loyalty", 3, "orders_12m"),
    ]
    assert score.neutral is None


def test_parts_may_stand_without_dimensions():
    score = _read("parts: [{measure: orders_12m, scored_by: percentile, weight: 100}]\nwhen_missing: {neutral: 50}")
    assert score.scores == ["value_score"]
    assert [one.dimension for one in score.each()] == [None]
    assert score.neutral == 50


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param("weight: 60", "weight: 59", "of the parts of contribution come to 99, not to 1 or 100", id="sum"),
        pytest.param("weight: 0.5\n  parts:\n    - {measure: o", "weight: 0.51\n  parts:\n    - {measure: o",
                     "of the dimensions come to 1.01", id="sum of dimensions"),
        pytest.param("weight: 60", "weight: -60", "gives nothing", id="negative weight"),
        pytest.param("weight: 60", "weight: 0", "gives nothing", id="no weight"),
        pytest.param("weight: 60", "weight: .nan", "plain number", id="no number"),
        pytest.param("points: 40}", "points: 41}", "gives 41 points and weighs 40", id="too many points"),
        pytest.param("points: 40}", "points: 30}", "never gives as many", id="unreachable points"),
        pytest.param("at_least: 100,", "at_least: 1000,", "do not fall from the top", id="equal bands"),
        pytest.param(", {points: 0}]", "]", "without points; add {points: 0}", id="a gap below"),
        pytest.param("{points: 0}]", "{points: 5}, {points: 0}]", "belongs at the end", id="two open ends"),
        pytest.param("points: 15.5", "points: -1", "would take some away", id="negative points"),
        pytest.param("scored_by: percentile", "scored_by: points", "scored by points and has none", id="no points"),
        pytest.param("scored_by: points", "scored_by: percentile", "takes no points", id="points beside"),
        pytest.param("scored_by: percentile", "scored_by: ntile", "value_share", id="another scoring"),
        pytest.param("measure: gross_profit_12m", "measure: net_revenue_12m", "named twice in contribution", id="twice"),
        pytest.param("contribution:\n", "when_missing: average\ncontribution:\n", "`reweight`", id="average"),
        pytest.param("contribution:\n", "when_missing: {neutral: 101}\ncontribution:\n", "no score", id="past 100"),
        pytest.param("contribution:\n", "parts: []\ncontribution:\n", "parts beside them", id="both shapes"),
    ],
)  # fmt: skip
def test_what_is_not_meant_is_refused(old, new, told):
    assert SCORE.count(old) == 1
    with pytest.raises(ValidationError, match=None) as refused:
        _read(SCORE.replace(old, new))
    assert told in str(refused.value)


def test_who_wants_other_sums_says_so():
    score = _read(SCORE.replace("weight: 60", "weight: 80") + "normalize: true\n")
    weights = [Fraction(one.part.weight) for one in score.each()]
    assert weights == [80, 40, 1]


def test_no_parts_are_no_score():
    with pytest.raises(ValidationError, match="has no parts"):
        _read("when_missing: reweight")
