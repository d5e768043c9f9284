"""Purchase histories → a value model, fitted as an event, and a score for every distinct history.

What is read of customers is counts: how many share a history, how many a mean amount. What is written is a row per model
and a row per distinct history; who has which score is a join in SQL.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tierwise import lake, warehouse
from tierwise.value import bg_nbd, gamma_gamma, holdout

if TYPE_CHECKING:
    import duckdb

    from tierwise.configuration import ValueModel
    from tierwise.value.fitting import Numbers

Status = Literal["fitted", "no_drop_out", "not_fitted", "failed"]

_YEAR = 365  # days: the horizon of every prediction
_MANY_ORDERS = 3  # some must have bought on so many days
_CORRELATED = 0.3  # Gamma-Gamma takes spend and frequency to be unrelated


@dataclass(frozen=True)
class Margin:
    """What is left of the revenue with a category, as a share of it."""

    category: str
    margin: float


@dataclass(frozen=True)
class Model:
    """One fit: the parameters that hold from `fitted_on` until the next, and what there is to say about them.

    `status` is `fitted`; `no_drop_out` where nobody is seen to leave (`a` and `b` null, no probability of being alive);
    `not_fitted` where the data are too few (`because` says what is missing); `failed` where no optimum was found: then
    the model before stays in force. Time is in days, money in the reporting currency, `margin` a share of revenue, and
    `margins` those of categories.
    """

    model_id: str
    fitted_on: date
    status: Status
    because: str | None = None
    buyers: int = 0
    repeat_buyers: int = 0
    first_purchase_on: date | None = None
    last_purchase_on: date | None = None
    r: float | None = None
    alpha: float | None = None
    a: float | None = None
    b: float | None = None
    log_likelihood: float | None = None
    p: float | None = None
    q: float | None = None
    v: float | None = None
    spend_log_likelihood: float | None = None
    correlation: float | None = None
    warning: str | None = None
    margin: float | None = None
    held_out_from: date | None = None
    purchases_expected: float | None = None
    purchases_at_former_rates: float | None = None
    purchases_held_out: int | None = None
    mean_error: float | None = None
    mean_error_at_former_rates: float | None = None
    calibration: tuple[holdout.Group, ...] = ()
    margins: tuple[Margin, ...] = ()

    @property
    def counts(self) -> bool:
        """A failed fit leaves everything as it was."""
        return self.status != "failed"

    @property
    def text(self) -> str:
        """What `parse` reads."""
        return json.dumps(asdict(self), sort_keys=True, default=str)


def parse(text: str) -> Model:
    """The model whose `text` this is."""
    held = json.loads(text)
    for name in ("fitted_on", "first_purchase_on", "last_purchase_on", "held_out_from"):
        held[name] = date.fromisoformat(held[name]) if held[name] else None
    held["calibration"] = tuple(holdout.Group(**group) for group in held["calibration"])
    held["margins"] = tuple(Margin(**margin) for margin in held.get("margins", ()))  # models of before have none
    return Model(**held)


def fit(build: Path, day: date, wanted: ValueModel) -> Model:
    """The model of all that was bought by `day`, from the histories in a build file."""
    with lake.engine(build.with_name("spill"), build, read_only=True) as d:
        buyers, repeat_buyers, first, last, most, margin = d.execute(_FACTS, [day]).fetchall()[0]
        model = Model(
            model_id="",
            fitted_on=day,
            status="not_fitted",
            buyers=buyers,
            repeat_buyers=repeat_buyers,
            first_purchase_on=first,
            last_purchase_on=last,
            margin=None if margin is None else float(margin),
        )
        if missing := list(_missing(model, most or 0, wanted)):
            return _named(replace(model, because="; ".join(missing)))
        parameters, found = bg_nbd.fit(_cells(d.execute(_CELLS, [day]).fetchnumpy()))
        if not found.is_converged:
            return _named(
                replace(model, status="failed", because="how often customers buy has no most likely parameters")
            )
        if not found.is_identified:
            return _named(replace(model, because="customers buy too much alike to say how they differ"))
        model = replace(
            model,
            status="no_drop_out" if parameters.a is None else "fitted",
            because="no drop-out seen: nobody is known to have left" if parameters.a is None else None,
            log_likelihood=round(found.log_likelihood, 4),
            r=_rounded(parameters.r),
            alpha=_rounded(parameters.alpha),
            a=_rounded(parameters.a),
            b=_rounded(parameters.b),
            margins=tuple(Margin(*row) for row in d.execute(_MARGINS, {"day": day}).fetchall()),
        )
        return _named(_held_out(_with_spend(model, d), d))


def _missing(model: Model, most_days: int, wanted: ValueModel) -> Iterable[str]:
    """What the data want for a prediction."""
    if model.buyers < wanted.minimum_buyers or model.first_purchase_on is None or model.last_purchase_on is None:
        yield f"{model.buyers} buyers, and it takes {wanted.minimum_buyers}"
        return
    history = (model.fitted_on - model.first_purchase_on).days
    silence = (model.fitted_on - model.last_purchase_on).days
    if history < wanted.minimum_days:
        yield f"{history} days of history, and it takes {wanted.minimum_days}"
    if silence > wanted.maximum_silence_days:
        yield f"nobody bought for {silence} days, and it may be {wanted.maximum_silence_days}"
    if most_days < _MANY_ORDERS:
        yield f"nobody bought on {_MANY_ORDERS} days"


def _with_spend(model: Model, d: duckdb.DuckDBPyConnection) -> Model:
    """How much they spend on a purchase; a warning where that is not to be had or not to be trusted."""
    repeats, amount, customers = d.execute(_AMOUNTS, [model.fitted_on]).fetchnumpy().values()
    cells = gamma_gamma.Cells(*(np.asarray(column, float) for column in (repeats, amount, customers)))
    if len(cells.customers) < _MANY_ORDERS:
        return replace(model, warning="too few bought again to say what a purchase comes to")
    parameters, found = gamma_gamma.fit(cells)
    if not found.is_identified or parameters.q <= 1:
        return replace(model, warning="what a purchase comes to has no most likely parameters")
    correlation = round(gamma_gamma.correlation(cells), 4)
    warning = None
    if abs(correlation) > _CORRELATED:
        warning = f"spend and frequency go together ({correlation:+.2f}), and the model takes them to be unrelated"
    return replace(
        model,
        spend_log_likelihood=round(found.log_likelihood, 4),
        correlation=correlation,
        warning=warning,
        p=_rounded(parameters.p),
        q=_rounded(parameters.q),
        v=_rounded(parameters.v),
    )


def _held_out(model: Model, d: duckdb.DuckDBPyConnection) -> Model:
    """The model of some time ago against what came since."""
    columns = d.execute(_HELD_OUT, [model.fitted_on]).fetchnumpy()
    if not len(columns["came"]):
        return model
    horizon = int(columns["horizon"][0])
    _, held = holdout.hold_out(_cells(columns), np.asarray(columns["came"], float), horizon)
    if not math.isfinite(held.expected):  # too little had been bought by then
        return model
    return replace(
        model,
        held_out_from=model.fitted_on - timedelta(days=horizon),
        purchases_expected=round(held.expected, 4),
        purchases_at_former_rates=round(held.naive, 4),
        purchases_held_out=round(held.came),
        mean_error=round(held.error, 4),
        mean_error_at_former_rates=round(held.naive_error, 4),
        calibration=tuple(replace(group, expected=round(group.expected, 4)) for group in held.groups),
    )


def _named(model: Model) -> Model:
    """The same data give the same model by the same name."""
    return replace(model, model_id=f"{model.fitted_on}.{hashlib.sha256(model.text.encode()).hexdigest()[:6]}")


def _rounded(parameter: float | None) -> float | None:
    """To six digits: what the optimiser leaves behind them says nothing about customers."""
    return None if parameter is None else float(f"{parameter:.6g}")


def _cells(columns: Mapping[str, Any]) -> bg_nbd.Cells:
    return bg_nbd.Cells(*(np.asarray(columns[name], float) for name in ("repeats", "last", "age", "customers")))


def lay(build: Path, models: Sequence[Model], discount_rate: float, folder: Path) -> dict[str, Path]:
    """Score every distinct history in a build file by every model that holds on one of its days, and lay the models and
    the scores as inputs of what comes next. Returns the files of the models: cards, their calibration, their margins."""
    import pandas as pd

    cards = [{**asdict(model), "calibration": None, "margins": None} for model in models]
    groups = [{"model_id": m.model_id, **asdict(group)} for m in models for group in m.calibration]
    margins = [{"model_id": m.model_id, **asdict(margin)} for m in models for margin in m.margins]
    frames = dict(zip(warehouse.MODEL_INPUTS, map(pd.DataFrame, (cards, groups, margins)), strict=True))
    with lake.engine(build.with_name("spill"), build, read_only=True) as d:
        days = [row[0] for row in d.execute(_DAYS).fetchall()]
        in_force = {m.model_id: m for day in days for m in models_on(models, day)}.values()
        histories = d.execute(_HISTORIES).fetchnumpy() if any(m.r is not None for m in in_force) else {}
    scores = [_scores(model, histories, discount_rate) for model in in_force if model.r is not None]
    frames["value_cell_scores"] = pd.concat(scores) if scores else pd.DataFrame()
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, frame in frames.items():
        files[name] = warehouse.write_input(name, frame, folder / f"{name}.parquet")
    warehouse.lay_again(build, files)
    return {name: files[name] for name in warehouse.MODEL_INPUTS}


def read(files: Mapping[str, Path]) -> list[Model]:
    """The models that `lay` laid, from its files."""
    import duckdb

    with duckdb.connect() as d:
        groups: dict[str, list[holdout.Group]] = {}
        for model_id, *group in d.execute(
            f"select model_id, repeats, customers, expected, came from '{files['model_calibration']}' order by all"
        ).fetchall():
            groups.setdefault(model_id, []).append(holdout.Group(*group))
        margins: dict[str, list[Margin]] = {}
        if "model_margins" in files:  # releases of before have none
            for model_id, *margin in d.execute(
                f"select model_id, category, margin::double from '{files['model_margins']}' order by all"
            ).fetchall():
                margins.setdefault(model_id, []).append(Margin(*margin))
        cards = d.execute(
            f"select * replace (margin::double as margin) from '{files['model_cards']}' order by fitted_on"
        )
        names = [column[0] for column in cards.description or []]
        held = [dict(zip(names, row, strict=True)) for row in cards.fetchall()]
    return [
        Model(
            **card,
            calibration=tuple(groups.get(card["model_id"], ())),
            margins=tuple(margins.get(card["model_id"], ())),
        )
        for card in held
    ]


def models_on(models: Iterable[Model], day: date) -> list[Model]:
    """The model that holds on a day, if one does: the last fit by then that did not fail."""
    by_then = [model for model in models if model.counts and model.fitted_on <= day]
    return [max(by_then, key=lambda model: model.fitted_on)] if by_then else []


def _scores(model: Model, histories: dict[str, Any], discount_rate: float) -> Any:
    import pandas as pd

    if model.r is None or model.alpha is None:
        raise ValueError(f"{model.model_id} has no parameters")
    repeats, last, age = (np.asarray(histories[name], float) for name in ("repeats", "last", "age"))
    cells = bg_nbd.Cells(repeats, last, age, np.ones_like(repeats))
    parameters = bg_nbd.Parameters(model.r, model.alpha, model.a, model.b)
    of: dict[str, Numbers] = {
        "probability_alive": bg_nbd.probability_alive(parameters, cells),
        "expected_purchases_12m": bg_nbd.expected_purchases(parameters, cells, _YEAR),
        "discounted_purchases_12m": bg_nbd.discounted_purchases(parameters, cells, _YEAR, discount_rate),
    }
    return pd.DataFrame(
        {
            "model_id": model.model_id,
            "repeat_purchases": histories["repeats"],
            "age_at_last_purchase_days": histories["last"],
            "age_days": histories["age"],
            **{name: np.round(values, 4) for name, values in of.items()},
        }
    )


_FACTS = """
    select
        count(first_purchased_on), count(*) filter (where repeat_purchases > 0), min(first_purchased_on),
        max(last_purchased_on), max(repeat_purchases) + 1,
        case
            when sum(net_revenue_12m) filter (where gross_profit_12m is not null) > 0
                then round(sum(gross_profit_12m) / sum(net_revenue_12m) filter (where gross_profit_12m is not null), 4)
        end
    from intermediate.int_customers__valued
    where basis = 'day' and as_of = ?"""
_MARGINS = """
    select product_category, round((sum(net_amount) - sum(cost_amount)) / sum(net_amount), 4)::double as margin
    from intermediate.int_order_lines__valued
    where
        is_counted and product_category is not null and cost_amount is not null
        and ordered_on between $day - 364 and $day
        and known_on <= $day and coalesce(replaced_on > $day, true)
    group by product_category
    having sum(net_amount) > 0
    order by product_category"""
_CELLS = """
    select repeat_purchases as repeats, age_at_last_purchase_days as last, age_days as age, customers
    from intermediate.int_purchase_cells__counted
    where basis = 'day' and as_of = ?
    order by all"""
_AMOUNTS = """
    select repeat_purchases, average_repeat_amount::double as amount, count(*) as customers
    from intermediate.int_customers__valued
    where basis = 'day' and as_of = ? and repeat_purchases > 0
    group by all order by all"""
_HELD_OUT = """
    select
        repeat_purchases as repeats, age_at_last_purchase_days as last, age_days as age, customers, came,
        as_of - held_out_from as horizon
    from intermediate.int_purchase_cells__held_out
    where as_of = ?
    order by all"""
_DAYS = "select distinct as_of from intermediate.int_purchase_cells__counted"
_HISTORIES = """
    select distinct repeat_purchases as repeats, age_at_last_purchase_days as last, age_days as age
    from intermediate.int_purchase_cells__counted order by all"""
