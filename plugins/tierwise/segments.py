"""What groups of customers are called, and where fixed bounds run: `config/segments.yml`, else the one shipped."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from tierwise.configuration import Described, Number, Text, load
from tierwise.settings import PROJECT, settings

_SHIPPED = PROJECT / "config" / "segments.yml"
_CELLS = {f"R{r}F{f}" for r in range(1, 6) for f in range(1, 6)}
_EIGHT = tuple(r + f + m for r in "HL" for f in "HL" for m in "HL")
_STAGES = ("prospect", "new", "active", "loyal", "reactivated", "at_risk", "churned")
_NEEDS = ("price_oriented", "value_oriented", "composite", "unknown")
_SIGNS = ("discounted_share", "price_index", "premium_share", "categories", "returned_share", "price_satisfaction")
_NEVER_BOUGHT = ("none", "Never bought", "尚无购买")

TABLES: dict[str, dict[str, str]] = {
    "segment_names": {
        "segmentation": "varchar",
        "code": "varchar",
        "segment": "varchar",
        "position": "integer",
        "label_en": "varchar",
        "label_zh": "varchar",
    },
    "segment_cut_offs": {"measure": "varchar", "position": "integer", "bound": "decimal(18, 4)"},
    "lifecycle_rules": {
        "new_days": "bigint",
        "loyal_repeat_purchases": "bigint",
        "loyal_tenure_days": "bigint",
        "churned_after": "decimal(18, 4)",
        "at_risk_below": "decimal(18, 4)",
        "churned_below": "decimal(18, 4)",
    },
    "need_signs": {
        "sign": "varchar",
        "price_at_least": "decimal(18, 4)",
        "price_at_most": "decimal(18, 4)",
        "value_at_least": "decimal(18, 4)",
        "value_at_most": "decimal(18, 4)",
    },
    "need_rules": {
        "minimum_purchases": "bigint",
        "minimum_signs": "bigint",
        "majority": "decimal(18, 4)",
    },
}

Bounds = Annotated[list[Number], Field(min_length=4, max_length=4)]


class GridSegment(Described):
    """A segment of the grid of recency and frequency."""

    labels: Text
    cells: list[str] = Field(min_length=1)


class CutOffs(Described):
    """Four bounds each, rising: they make five scores."""

    days_since_last_purchase: Bounds
    purchase_days_12m: Bounds

    @field_validator("days_since_last_purchase", "purchase_days_12m")
    @classmethod
    def _rise(cls, value: list[Any]) -> list[Any]:
        if any(one >= other for one, other in itertools.pairwise(value)):
            raise ValueError("write four numbers, each larger than the one before")
        return value


def _all_of(value: dict[str, Text], wanted: Sequence[str], otherwise: str) -> dict[str, Text]:
    """Each that is wanted is there, and no other."""
    if set(value) != set(wanted):
        wrong = min(set(value) ^ set(wanted))
        raise ValueError(f"{wrong} is {'missing' if wrong in wanted else otherwise} ({', '.join(wanted)})")
    return value


Days = Annotated[int, Field(ge=1)]


class Loyal(Described):
    """Who is loyal beyond being active."""

    repeat_purchases: Annotated[int, Field(ge=1)] = 4
    tenure_days: Days = 365


class ProbabilityAlive(Described):
    """Below which probability of being active a silence is not waited for."""

    at_risk: Annotated[Number, Field(ge=0, le=1)] = Decimal("0.5")
    churned: Annotated[Number, Field(ge=0, le=1)] = Decimal("0.1")


class Lifecycle(Described):
    """Where customers are on their way. A silence is judged against the customer's own habit."""

    new_days: Days = 90
    loyal: Loyal = Loyal()
    churned_after: Annotated[Number, Field(gt=1)] = Decimal(3)
    probability_alive: ProbabilityAlive = ProbabilityAlive()
    stages: dict[str, Text]

    @field_validator("stages")
    @classmethod
    def _all_stages(cls, value: dict[str, Text]) -> dict[str, Text]:
        return _all_of(value, _STAGES, "no stage")

    @model_validator(mode="after")
    def _churned_is_further(self) -> Lifecycle:
        if self.probability_alive.churned > self.probability_alive.at_risk:
            raise ValueError("probability_alive: churned lies above at_risk; who is churned is at risk before")
        return self


class Sign(Described):
    """From where on a number speaks for price, and from where on for value; between the two it says nothing."""

    price_at_least: Number | None = None
    price_at_most: Number | None = None
    value_at_least: Number | None = None
    value_at_most: Number | None = None

    @model_validator(mode="after")
    def _speaks_with_one_voice(self) -> Sign:
        for low, high in ((self.price_at_least, self.value_at_most), (self.value_at_least, self.price_at_most)):
            if low is not None and high is not None and low <= high:
                raise ValueError(f"a number from {low} to {high} would speak for price and for value at once")
        for one, other in (
            (self.price_at_least, self.price_at_most),
            (self.value_at_least, self.value_at_most),
            (self.price_at_least, self.value_at_least),
            (self.price_at_most, self.value_at_most),
        ):
            if one is not None and other is not None:
                raise ValueError("a sign speaks for price from one side, and for value from the other")
        return self


class Needs(Described):
    """What customers look for, by signs: of those that speak, a majority for price or for value; else both."""

    minimum_purchases: Annotated[int, Field(ge=1)] = 3
    minimum_signs: Annotated[int, Field(ge=1)] = 3
    majority: Annotated[Number, Field(gt=0.5, le=1)] = Decimal("0.6")
    signs: dict[str, Sign]
    types: dict[str, Text]

    @field_validator("signs")
    @classmethod
    def _known_signs(cls, value: dict[str, Sign]) -> dict[str, Sign]:
        if unknown := set(value) - set(_SIGNS):
            raise ValueError(f"{min(unknown)} is no sign ({', '.join(_SIGNS)})")
        return value

    @field_validator("types")
    @classmethod
    def _all_types(cls, value: dict[str, Text]) -> dict[str, Text]:
        return _all_of(value, _NEEDS, "no need")


class Segments(Described):
    """What groups are called: both kinds of RFM segments, the stages of a customer's life, and needs. Every customer is in
    one of each kind and in no other."""

    grid: dict[str, GridSegment]
    cut_offs: CutOffs
    eight: dict[str, Text]
    lifecycle: Lifecycle = Field(default_factory=lambda: load(_SHIPPED, Segments).lifecycle)
    needs: Needs = Field(default_factory=lambda: load(_SHIPPED, Segments).needs)

    @field_validator("grid")
    @classmethod
    def _every_cell_once(cls, value: dict[str, GridSegment]) -> dict[str, GridSegment]:
        named = Counter(cell for segment in value.values() for cell in segment.cells)
        for cells, what in (
            (set(named) - _CELLS, "is no cell of the grid (R1F1 to R5F5)"),
            (_CELLS - set(named), "belongs to no segment"),
            ({cell for cell, times in named.items() if times > 1}, "belongs to two segments"),
        ):
            if cells:
                raise ValueError(f"{min(cells)} {what}; each of the 25 cells belongs to exactly one")
        return value

    @field_validator("eight")
    @classmethod
    def _all_eight(cls, value: dict[str, Text]) -> dict[str, Text]:
        return _all_of(value, _EIGHT, "none of the eight")


def load_segments() -> Segments:
    """The segments of this installation. Raises ConfigurationRefused."""
    return load(_file(), Segments)


def _file() -> Path:
    own = settings().config / "segments.yml"
    return own if own.exists() else _SHIPPED


def rows() -> dict[str, list[dict[str, Any]]]:
    """The rows of each table."""
    described = load_segments()
    none, en, zh = _NEVER_BOUGHT
    names: list[dict[str, Any]] = []
    for kind in ("rfm_grid", "rfm_fixed"):
        for position, (segment, said) in enumerate(described.grid.items(), start=1):
            told = {"segment": segment, "position": position, "label_en": said.labels.en, "label_zh": said.labels.zh}
            names += [{"segmentation": kind, "code": cell, **told} for cell in said.cells]
    for position, (code, label) in enumerate(described.eight.items(), start=1):
        told = {"segment": code, "position": position, "label_en": label.en, "label_zh": label.zh}
        names.append({"segmentation": "rfm_eight", "code": code, **told})
    for kind in ("rfm_grid", "rfm_fixed", "rfm_eight"):
        told = {"segment": none, "position": 99, "label_en": en, "label_zh": zh}
        names.append({"segmentation": kind, "code": none, **told})
    life, needs = described.lifecycle, described.needs
    for kind, called in (("lifecycle", life.stages), ("need", needs.types)):
        for position, (code, label) in enumerate(called.items(), start=1):
            told = {"segment": code, "position": position, "label_en": label.en, "label_zh": label.zh}
            names.append({"segmentation": kind, "code": code, **told})
    bounds = [
        {"measure": measure, "position": position, "bound": bound}
        for measure, of in described.cut_offs.model_dump().items()
        for position, bound in enumerate(of, start=1)
    ]
    lifecycle = {
        "new_days": life.new_days,
        "loyal_repeat_purchases": life.loyal.repeat_purchases,
        "loyal_tenure_days": life.loyal.tenure_days,
        "churned_after": life.churned_after,
        "at_risk_below": life.probability_alive.at_risk,
        "churned_below": life.probability_alive.churned,
    }
    return {
        "segment_names": names,
        "segment_cut_offs": bounds,
        "lifecycle_rules": [lifecycle],
        "need_signs": [{"sign": sign, **speaks.model_dump()} for sign, speaks in needs.signs.items()],
        "need_rules": [needs.model_dump(include={"minimum_purchases", "minimum_signs", "majority"})],
    }
