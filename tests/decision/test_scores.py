"""What must hold of every score, whatever the company: asked of generated companies, in one build each."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from . import batch
from .histories import HELD_AGAINST_THE_ORACLE, generated
from .oracle import Case, Part, Value

MONEY = "net_revenue_12m"
_WHERE = ("policy", "as_of", "policy_version", "basis", "customer_key")
Scores = Mapping[tuple[Any, ...], Mapping[str, Any]]


def _scoring() -> list[Case]:
    cases = generated(HELD_AGAINST_THE_ORACLE[0])
    return [case for case in cases if any(policy and policy.score for _, policy in case.policies)]


def _built(home: Path, cases: Sequence[Case], shuffle: random.Random | None = None) -> Path:
    folder = Path(tempfile.mkdtemp(dir=home))
    build = batch.lay(folder / "build.duckdb", batch.tables(cases, cases[0].days), shuffle)
    batch.decided(build)
    return build


def _scores(build: Path) -> Scores:
    rows = batch.read(build, "from intermediate.int_policy_scores__weighted")
    return {tuple(row[column] for column in _WHERE): row for row in rows}


def _parts(build: Path) -> Mapping[tuple[Any, ...], Mapping[int, Mapping[str, Any]]]:
    found: dict[tuple[Any, ...], dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for row in batch.read(build, "from intermediate.int_policy_parts__scored"):
        found[tuple(row[column] for column in _WHERE)][row["position"]] = row
    return found


@pytest.fixture(scope="module")
def company(home: Path) -> Path:
    return _built(home, _scoring())


@pytest.fixture(scope="module")
def rules() -> Mapping[tuple[str, str], Sequence[Part]]:
    return {(case.name, policy.version): policy.score for case in _scoring() for _, policy in case.policies if policy}


def test_a_score_lies_between_nothing_and_a_hundred(company: Path) -> None:
    scores = list(_scores(company).values())
    assert len(scores) > 5_000
    for row in scores:
        for name in ("contribution_score", "potential_score", "loyalty_score", "value_score"):
            assert row[name] is None or 0 <= row[name] <= 100
        assert 0 < row["coverage"] <= 1


def test_equals_score_equally_and_more_never_scores_less(
    company: Path, rules: Mapping[tuple[str, str], Sequence[Part]]
) -> None:
    """Any two customers of one day under one policy who have data for the same parts, compared part by part.

    What is more of points is the policy's to say: of two customers the one with more points.
    """
    scores, parts = _scores(company), _parts(company)
    together: dict[tuple[Any, ...], list[tuple[tuple[Decimal, ...], tuple[Decimal, ...]]]] = defaultdict(list)
    for at, known in parts.items():
        policy, as_of, version, basis, _ = at
        if basis != "day":
            continue
        score = rules[policy, version]
        values = tuple(_goodness(score[position - 1], row) for position, row in sorted(known.items()))
        made = (*(row["score"] for _, row in sorted(known.items())), scores[at]["value_score"])
        together[policy, as_of, version, tuple(sorted(known))].append((values, made))
    equals = betters = 0
    for alike in together.values():
        for (mine, my_scores), (other, other_scores) in combinations(alike, 2):
            if mine == other:
                equals += 1
                assert my_scores == other_scores
            elif all(a >= b for a, b in zip(mine, other, strict=True)):
                betters += 1
                assert all(a >= b for a, b in zip(my_scores, other_scores, strict=True))
            elif all(a <= b for a, b in zip(mine, other, strict=True)):
                betters += 1
                assert all(a <= b for a, b in zip(my_scores, other_scores, strict=True))
    assert equals > 100
    assert betters > 1_000


def test_parts_and_weights_make_the_score_to_the_last_decimal(
    company: Path, rules: Mapping[tuple[str, str], Sequence[Part]]
) -> None:
    """Where nothing counts as neutral: what is missing gave its weight to the others."""
    parts, checked = _parts(company), 0
    neutral = {(c.name, p.version) for c in _scoring() for _, p in c.policies if p and p.neutral is not None}
    for at, row in _scores(company).items():
        policy, _, version, basis, _ = at
        if basis != "day" or (policy, version) in neutral:
            continue
        earned: dict[str | None, Fraction] = defaultdict(Fraction)
        weights: dict[str | None, Fraction] = defaultdict(Fraction)
        of_dimension: dict[str | None, Fraction] = {}
        for position, known in parts[at].items():
            part = rules[policy, version][position - 1]
            given = (
                100 * Fraction(known["points"])
                if part.scored_by == "points"
                else Fraction(known["score"]) * part.weight
            )
            earned[part.dimension] += Fraction(given)
            weights[part.dimension] += part.weight
            of_dimension[part.dimension] = part.dimension_weight
        made = {name: Fraction(round(earned[name] / weights[name] * 10**4), 10**4) for name in earned}
        whole = sum(score * of_dimension[name] for name, score in made.items()) / sum(of_dimension.values())
        assert Fraction(row["value_score"]) == Fraction(round(whole * 10**4), 10**4)
        checked += 1
    assert checked > 1_000


def test_neither_the_order_of_rows_nor_the_unit_of_money_changes_a_share_or_a_percentile(
    home: Path, company: Path, rules: Mapping[tuple[str, str], Sequence[Part]]
) -> None:
    """Sevenfold amounts, rows shuffled: each part but points of money is what it was."""
    sevenfold = [
        replace(case, values={at: _sevenfold(value) for at, value in case.values.items()}) for case in _scoring()
    ]
    other = _parts(_built(home, sevenfold, shuffle=random.Random(7)))
    compared = 0
    for at, known in _parts(company).items():
        policy, _, version, basis, _ = at
        for position, row in known.items() if basis == "day" else ():
            part = rules[policy, version][position - 1]
            if (part.measure, part.scored_by) != (MONEY, "points"):
                compared += part.measure == MONEY
                assert other[at][position]["score"] == row["score"]
    assert compared > 500


def _sevenfold(value: Value) -> Value:
    amount = value.numbers.get(MONEY)
    return replace(value, numbers={**value.numbers, MONEY: None if amount is None else 7 * amount})


def _goodness(part: Part, row: Mapping[str, Any]) -> Decimal:
    if part.scored_by == "points":
        return Decimal(row["points"])
    return -row["value"] if part.less_is_better else row["value"]
