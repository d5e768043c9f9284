"""What groups of customers are called: each customer in one group of each kind, whatever the numbers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tierwise import segments
from tierwise.errors import ConfigurationRefused

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = (ROOT / "config" / "segments.yml").read_text(encoding="utf-8")
GRID = {  # recency from 5 down, frequency from 1 up
    5: ("new", "potential_loyalist", "potential_loyalist", "champion", "champion"),
    4: ("promising", "potential_loyalist", "potential_loyalist", "loyal", "champion"),
    3: ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    2: ("hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"),
    1: ("hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"),
}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write another config/segments.yml; returns what reading it gives."""
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()

    def write(old: str, new: str) -> segments.Segments:
        assert SHIPPED.count(old) == 1
        (tmp_path / "config" / "segments.yml").write_text(SHIPPED.replace(old, new), encoding="utf-8")
        return segments.load_segments()

    return write


def test_the_shipped_grid_is_the_one_that_the_field_uses_with_every_cell_decided(monkeypatch, tmp_path):
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))  # a home without names of its own
    names = segments.rows()["segment_names"]
    for kind in ("rfm_grid", "rfm_fixed"):
        told = {row["code"]: row["segment"] for row in names if row["segmentation"] == kind}
        expected = {f"R{r}F{f}": segment for r, row in GRID.items() for f, segment in enumerate(row, start=1)}
        assert told == {**expected, "none": "none"}
    eight = {row["code"]: row["label_zh"] for row in names if row["segmentation"] == "rfm_eight"}
    assert (eight["HHH"], eight["LHH"], eight["HLL"], len(eight)) == ("重要价值客户", "重要保持客户", "一般发展客户", 9)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cells: [R3F3]", "cells: [R3F3, R5F1]", "R5F1 belongs to two segments"),
        ("cells: [R3F1, R3F2]", "cells: [R3F1]", "R3F2 belongs to no segment"),
        ("cells: [R4F1]", "cells: [R4F1, R6F1]", "R6F1 is no cell of the grid"),
        ("[30, 90, 180, 365]", "[30, 90, 90, 365]", "four numbers, each larger than the one before"),
        ("[2, 3, 5, 10]", "[2, 3, 5]", "cut_offs"),
        ("  LLL: {en: Ordinary to win back, zh: 一般挽留客户}\n", "", "LLL is missing"),
        ("  LLL: {", "  LLM: {", "is"),
        ("    reactivated: {en: Reactivated, zh: 回流}\n", "", "reactivated is missing"),
        ("    reactivated: {", "    returned: {", "re(activated is missing|turned is no stage)"),
        ("churned_after: 3 ", "churned_after: 1 ", "greater than 1"),
        ("churned: 0.1}", "churned: 0.6}", "churned lies above at_risk"),
        ("value_at_most: 0.1}", "value_at_most: 0.6}", "from 0.5 to 0.6 would speak for price and for value"),
        (
            "{price_at_most: 0.97, value_at_least: 1.03}",
            "{price_at_most: 1, value_at_least: 1}",
            "from 1 to 1 would speak",
        ),
        (
            "{price_at_least: 0.2}",
            "{price_at_least: 0.2, value_at_least: 0.9}",
            "from one side, and for value from the",
        ),
        ("    premium_share: {", "    premium: {", "premium is no sign"),
        ("majority: 0.6 ", "majority: 0.5 ", "greater than 0.5"),
        ("    composite: {en: Price and value, zh: 复合价值}\n", "", "composite is missing"),
    ],
)
def test_names_that_leave_somebody_out_or_name_them_twice_are_refused(written, old, new, said):
    with pytest.raises(ConfigurationRefused, match=said) as refused:
        written(old, new)
    assert "segments.yml" in str(refused.value.sentence)


def test_a_company_may_call_its_segments_what_it_likes(written):
    assert written("{en: Champions, zh: 冠军客户}", "Stars").grid["champion"].labels.zh == "Stars"


def test_a_file_from_before_there_were_stages_and_needs_has_the_shipped_ones(written):
    older = SHIPPED[SHIPPED.index("lifecycle:") :]
    written(older, "")
    (told,) = segments.rows()["lifecycle_rules"]
    assert (told["new_days"], told["loyal_tenure_days"], told["churned_after"]) == (90, 365, 3)
    assert {row["segment"] for row in segments.rows()["segment_names"] if row["segmentation"] == "lifecycle"} == {
        "prospect", "new", "active", "loyal", "reactivated", "at_risk", "churned",
    }  # fmt: skip
    assert segments.rows()["need_rules"] == [{"minimum_purchases": 3, "minimum_signs": 3, "majority": Decimal("0.6")}]
