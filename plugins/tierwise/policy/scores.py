"""How a policy makes 0-100 of what is known of a customer: measures, how each is scored, and what it weighs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import BeforeValidator, model_validator

from tierwise.configuration import Described
from tierwise.policy.written import Bound, HundredScore, MeasureName, Points, Weight, plain

Dimension = Literal["contribution", "potential", "loyalty"]
Scoring = Literal["value_share", "points", "percentile"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
VALUE_SCORE = "value_score"
_ONE, _HUNDRED = Decimal(1), Decimal(100)


def of_dimension(dimension: Dimension) -> str:
    """The measure that a dimension's score is known by."""
    return f"{dimension}_score"


SCORES = (VALUE_SCORE, *map(of_dimension, DIMENSIONS))


class PointsBand(Described):
    """From `at_least` on a value gives so many points; the band without it is for all below the others."""

    at_least: Bound = None
    points: Points


class Part(Described):
    """One measure of a score. Points are the part's only scoring that needs a table: bands from the top."""

    measure: MeasureName
    scored_by: Scoring
    weight: Weight
    points: list[PointsBand] | None = None

    @model_validator(mode="after")
    def _points_where_they_are_given(self) -> Self:
        if self.scored_by == "points" and not self.points:
            raise ValueError(
                f"{self.measure} is scored by points and has none; write `points: [{{at_least: 100, points: 30}},"
                " {points: 0}]`"
            )
        if self.scored_by != "points" and self.points is not None:
            raise ValueError(f"{self.measure} is scored by {self.scored_by}, which takes no points; remove them")
        return self

    @model_validator(mode="after")
    def _bands_fall(self) -> Self:
        bands = self.points or []
        for band in bands:
            if band.points > self.weight:
                raise ValueError(
                    f"{self.measure} gives {plain(band.points)} points and weighs {plain(self.weight)}; the weight is the"
                    " most that it can give"
                )
        if bands and max(band.points for band in bands) < self.weight:
            raise ValueError(
                f"{self.measure} weighs {plain(self.weight)} and never gives as many points; let the best band give"
                f" {plain(self.weight)}, or the part weigh less"
            )
        if bands and bands[-1].at_least is not None:
            raise ValueError(
                f"the last band of {self.measure} leaves the values below it without points; add {{points: 0}}"
            )
        for higher, lower in pairwise(bands):
            if higher.at_least is None:
                raise ValueError(f"a band of {self.measure} without at_least takes everybody; it belongs at the end")
            if lower.at_least is not None and lower.at_least >= higher.at_least:
                raise ValueError(
                    f"the bands of {self.measure} do not fall from the top: {plain(higher.at_least)}, and below it"
                    f" {plain(lower.at_least)}"
                )
        return self


class DimensionOfScore(Described):
    """What one of the three dimensions weighs, and its parts."""

    weight: Weight
    parts: list[Part]


class Neutral(Described):
    """What a part without data counts as, where somebody asks for that."""

    neutral: HundredScore


def _reweight_or_neutral(value: Any) -> Any:
    if value == "reweight" or isinstance(value, dict):
        return None if value == "reweight" else value
    raise ValueError(
        f"when_missing is `reweight` (the weight goes to the parts with data) or `{{neutral: 50}}`, not {value!r}"
    )


class ScorePart(NamedTuple):
    """A part with its place: `dimension` is None in a score without dimensions."""

    dimension: Dimension | None
    dimension_weight: Decimal
    position: int
    part: Part


class Score(Described):
    """A weighted score: three dimensions with their parts, or parts alone.

    Weights of the dimensions, and of the parts of each, come to 1 or to 100; `normalize: true` takes any.
    """

    when_missing: Annotated[Neutral | None, BeforeValidator(_reweight_or_neutral)] = None
    normalize: bool = False
    contribution: DimensionOfScore | None = None
    potential: DimensionOfScore | None = None
    loyalty: DimensionOfScore | None = None
    parts: list[Part] | None = None

    @model_validator(mode="after")
    def _dimensions_or_parts(self) -> Self:
        dimensions = [name for name in DIMENSIONS if getattr(self, name) is not None]
        if not dimensions and not self.parts:
            raise ValueError(f"the score has no parts; write {', '.join(DIMENSIONS)}, each with weight and parts")
        if dimensions and self.parts is not None:
            raise ValueError(f"the score has {' and '.join(dimensions)}, and parts beside them; put the parts into one")
        return self

    @model_validator(mode="after")
    def _weights_come_to_one(self) -> Self:
        dimensions = {name: getattr(self, name) for name in DIMENSIONS if getattr(self, name) is not None}
        sums = {"the dimensions": [one.weight for one in dimensions.values()]} if dimensions else {}
        sums |= {f"the parts of {name}": [part.weight for part in one.parts] for name, one in dimensions.items()}
        sums |= {"the parts": [part.weight for part in self.parts]} if self.parts else {}
        for what, weights in sums.items():
            total = sum(weights, start=Decimal(0))
            if not weights:
                raise ValueError(f"{what} are none; name a measure, or leave the dimension out")
            if total not in (_ONE, _HUNDRED) and not self.normalize:
                raise ValueError(
                    f"the weights of {what} come to {plain(total)}, not to 1 or 100; mend them, or write `normalize: true`"
                )
        for name, one in [*dimensions.items(), ("", self)]:
            measures = [part.measure for part in one.parts or []]
            twice = next((measure for measure in measures if measures.count(measure) > 1), None)
            if twice is not None:
                raise ValueError(f"{twice} is named twice{f' in {name}' if name else ''}; keep one, with both weights")
        return self

    @property
    def neutral(self) -> Decimal | None:
        """What a missing part counts as; None where its weight goes to the others."""
        return self.when_missing.neutral if self.when_missing else None

    @property
    def weight_of_dimensions(self) -> Decimal:
        """What the dimensions weigh together."""
        return sum((getattr(self, name).weight for name in DIMENSIONS if getattr(self, name)), start=Decimal(0))

    @property
    def scores(self) -> list[str]:
        """The measures that the score gives."""
        return [VALUE_SCORE, *(of_dimension(name) for name in DIMENSIONS if getattr(self, name) is not None)]

    def each(self) -> Iterator[ScorePart]:
        """Every part, in the order of the text."""
        position = 0
        for name in DIMENSIONS:
            one: DimensionOfScore | None = getattr(self, name)
            for part in one.parts if one else ():
                position += 1
                yield ScorePart(name, one.weight if one else _ONE, position, part)
        for part in self.parts or ():
            position += 1
            yield ScorePart(None, _ONE, position, part)
