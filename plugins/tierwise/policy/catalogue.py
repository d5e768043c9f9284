"""The measures a policy may speak of: the columns of two marts that say they are one."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tierwise import configuration
from tierwise.errors import OurFailure
from tierwise.settings import settings

Unit = Literal["money", "count", "days", "ratio", "score"]

# What a measure of this unit can never be below or above; a bound there is a slip of the pen.
_NEVER_NEGATIVE: frozenset[Unit] = frozenset({"count", "days", "score"})
_HIGHEST_SCORE = Decimal(100)


@dataclass(frozen=True)
class Measure:
    """A number known of a customer. `step` is the smallest difference it can show, `largest` what it never passes."""

    name: str
    unit: Unit
    more_is_better: bool
    step: Decimal
    largest: Decimal
    label_en: str
    label_zh: str

    @property
    def can_be_negative(self) -> bool:
        return self.unit not in _NEVER_NEGATIVE


class _Meta(BaseModel):
    model_config = ConfigDict(extra="ignore")

    measure: bool = False
    unit: Unit | None = None
    more_is_better: bool = True
    step: configuration.Code | None = None
    largest: configuration.Code | None = None
    label_en: str = ""
    label_zh: str = ""


class _Config(BaseModel):
    model_config = ConfigDict(extra="ignore")

    meta: _Meta = Field(default_factory=_Meta)


class _Column(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str
    data_type: str = ""
    meta: _Meta = Field(default_factory=_Meta)
    config: _Config = Field(default_factory=_Config)


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str
    columns: list[_Column] = Field(default_factory=list)


class _Properties(BaseModel):
    model_config = ConfigDict(extra="ignore")

    models: list[_Model]


def catalogue_files() -> list[Path]:
    """What is known of a customer, and what a policy makes of it."""
    marts = settings().dbt_project / "models" / "marts"
    return [marts / "fct_customer_value.yml", marts / "fct_customer_scores.yml"]


def measures(*paths: Path) -> dict[str, Measure]:
    """Every measure by name, in the order of the marts. OurFailure where a column calls itself one and is unfinished."""
    found: dict[str, Measure] = {}
    for where in paths or catalogue_files():
        found |= _read(where, where.stat().st_mtime_ns if where.exists() else 0)
    return found


@functools.lru_cache(maxsize=4)
def _read(where: Path, _written_at: int) -> dict[str, Measure]:
    declared = configuration.load(where, _Properties)
    found = {}
    for column in (column for model in declared.models for column in model.columns):
        meta = column.config.meta if column.config.meta.measure else column.meta
        if meta.measure:
            found[column.name] = _measure(column, meta, where)
    return found


def _measure(column: _Column, meta: _Meta, where: Path) -> Measure:
    if meta.unit is None or not (meta.step and meta.label_en and meta.label_zh):
        raise OurFailure(f"{where}: the measure {column.name} needs unit, step, label_en and label_zh in its meta")
    return Measure(
        name=column.name,
        unit=meta.unit,
        more_is_better=meta.more_is_better,
        step=Decimal(meta.step),
        largest=_largest(column.data_type, meta),
        label_en=meta.label_en,
        label_zh=meta.label_zh,
    )


def _largest(data_type: str, meta: _Meta) -> Decimal:
    if meta.largest is not None:
        return Decimal(meta.largest)
    return _HIGHEST_SCORE if meta.unit == "score" else _end_of_column(data_type)


def _end_of_column(data_type: str) -> Decimal:
    decimal = re.fullmatch(r"\s*(?:decimal|numeric)\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*", data_type, re.IGNORECASE)
    if decimal:
        width, scale = int(decimal[1]), int(decimal[2])
        return Decimal(10) ** (width - scale) - Decimal(1).scaleb(-scale)
    whole = {"integer": 2**31 - 1, "int": 2**31 - 1, "bigint": 2**63 - 1}
    return Decimal(whole.get(data_type.strip().lower(), 10**14))
