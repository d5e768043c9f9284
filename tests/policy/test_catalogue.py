"""What is a measure stands in the mart's own description, and nowhere else."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise import policy
from tierwise.errors import OurFailure
from tierwise.policy.catalogue import Measure
from tierwise.policy.wording import Figures

COLUMN = """\
models:
  - name: fct_customer_value
    description: "{{ doc('value') }}"
    columns:
      - name: customer_key
        data_type: varchar
      - name: net_revenue_12m
        data_type: decimal(18, 2)
        config:
          meta: {measure: true, unit: money, more_is_better: true, step: "0.01", label_en: Net, label_zh: 净营收}
      - name: orders_12m
        data_type: bigint
        meta: {measure: true, unit: count, more_is_better: true, step: 1, label_en: Orders, label_zh: 订单数}
"""
MONEY = Measure("net_revenue_12m", "money", True, Decimal("0.01"), Decimal(10) ** 16, "Net revenue", "净营收")


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "fct_customer_value.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_measure_says_its_unit_step_and_end(tmp_path: Path) -> None:
    found = policy.measures(_file(tmp_path, COLUMN))
    assert list(found) == ["net_revenue_12m", "orders_12m"]
    assert (found["net_revenue_12m"].step, found["net_revenue_12m"].largest) == (
        Decimal("0.01"),
        Decimal("9999999999999999.99"),
    )
    assert (found["orders_12m"].step, found["orders_12m"].unit) == (Decimal(1), "count")


def test_no_score_passes_100_and_a_measure_may_name_its_own_end(tmp_path: Path) -> None:
    score = COLUMN.replace("bigint", "decimal(18, 4)").replace("unit: count", "unit: score")
    assert policy.measures(_file(tmp_path, score))["orders_12m"].largest == 100
    ended = COLUMN.replace("step: 1,", "step: 1, largest: 365,")
    assert policy.measures(_file(tmp_path, ended))["orders_12m"].largest == 365


def test_a_measure_without_a_step_is_our_failure_and_not_the_company_s(tmp_path: Path) -> None:
    with pytest.raises(OurFailure, match="the measure orders_12m needs unit, step, label_en and label_zh"):
        policy.measures(_file(tmp_path, COLUMN.replace(", step: 1", "")))


def test_the_shipped_mart_knows_the_measures_of_the_shipped_policies() -> None:
    assert {"net_revenue_12m", "orders_12m", "tenure_days"} <= set(policy.measures())


CENTS = st.integers(-(10**14), 10**14).map(lambda cents: Decimal(cents).scaleb(-2))


@given(st.lists(CENTS, min_size=2, max_size=3))
def test_amounts_that_differ_are_never_written_alike(amounts: list[Decimal]) -> None:
    said = Figures(MONEY, "CNY", "zh").side_by_side(amounts)
    assert len(set(said)) == len(set(amounts))


@pytest.mark.parametrize(
    ("amount", "currency", "english", "chinese"),
    [
        ("499999.99", "CNY", "¥499,999.99", "¥50万"),
        ("1250000", "CNY", "¥1,250,000", "¥125万"),
        ("123456789", "CNY", "¥123,456,789", "¥1.23亿"),
        ("9999.99", "GBP", "£9,999.99", "£9,999.99"),
        ("-29411.5", "GBP", "-£29,411.50", "-£2.94万"),
        ("1200", "CHF", "CHF 1,200", "CHF 1,200"),
        ("29411", "JPY", "JP¥29,411", "JP¥2.94万"),
    ],
)
def test_money_in_both_languages(amount: str, currency: str, english: str, chinese: str) -> None:
    assert Figures(MONEY, currency, "en").about(Decimal(amount)) == english
    assert Figures(MONEY, currency, "zh").about(Decimal(amount)) == chinese
