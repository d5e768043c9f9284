"""Purchase histories → how often and how much everybody will buy: our fit on counted cells against `lifetimes`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import duckdb
import numpy as np
from benchmarks import frame, peers
from benchmarks.frame import Aim, Case, Contestant, Size
from benchmarks.measure import Watch

_SEED = 7
_YEAR = 365
_DISCOUNT_RATE = 0.10
_TRUE = {"r": 0.6, "alpha": 60.0, "a": 0.8, "b": 2.5, "p": 6.0, "q": 4.0, "v": 15.0}


def case(size: Size) -> Case:
    ours = partial(_called, "ours")
    most = size.customers
    contestants = [
        Contestant(ours(most), partial(fit_and_score, most)),
        Contestant(_called("lifetimes", most), partial(in_lifetimes, most), needs="lifetimes", rounds=1),
    ]
    if size.most_customers > most:
        contestants.append(Contestant(ours(size.most_customers), partial(fit_and_score, size.most_customers), rounds=1))
    return Case(
        name="value_model",
        title="The value model",
        measures="BG/NBD and Gamma-Gamma fitted on made-up histories of customers who buy and drop out as those models say,"
        " in days, and everybody's expected purchases of a year, probability of being alive, amount of a purchase and"
        " value of the year, discounted by months."
        " Ours counts equal histories in the engine, fits and scores those, and joins the scores; `lifetimes` has a row a"
        " customer in memory. Both find the same parameters to two digits. `pymc-marketing` is not compared: it samples"
        " where both others maximise, and brings a compiler.",
        size=f"{most:,} customers"
        + (f", and {size.most_customers:,} for growth" if size.most_customers > most else ""),
        lay=partial(_lay, tuple(sorted({most, size.most_customers}))),
        contestants=tuple(contestants),
        aims=(
            Aim("forty times faster than lifetimes", _called("lifetimes", most), ours(most), at_least=40),
            Aim("peak memory in MiB", ours(most), what="peak_mib", at_most=2048),
        ),
        same=((ours(most), _called("lifetimes", most)),),
    )


def _called(name: str, customers: int) -> str:
    return f"{name}, {customers:,} customers"


def _lay(sizes: tuple[int, ...], folder: Path) -> None:
    for customers in sizes:
        _draw(customers, folder / f"histories_{customers}.parquet")


def _draw(customers: int, file: Path) -> None:
    """Histories as the models tell them: rates, drop-outs after purchases, and what the repeated ones came to."""
    draw = np.random.default_rng(_SEED)
    age = draw.integers(30, 3 * _YEAR, customers)
    rate = draw.gamma(_TRUE["r"], 1 / _TRUE["alpha"], customers)
    leaves = draw.beta(_TRUE["a"], _TRUE["b"], customers)
    repeats, last = np.zeros(customers, int), np.zeros(customers)
    at, here = np.zeros(customers), np.flatnonzero(draw.random(customers) >= leaves)
    while len(here):  # one more purchase of all who are still there
        at[here] += np.maximum(1, np.ceil(draw.exponential(1 / rate[here])))
        here = here[at[here] <= age[here]]
        repeats[here] += 1
        last[here] = at[here]
        here = here[draw.random(len(here)) >= leaves[here]]
    spread = draw.gamma(_TRUE["q"], 1 / _TRUE["v"], customers)
    amount = draw.gamma(_TRUE["p"] * np.maximum(repeats, 1), 1 / (spread * np.maximum(repeats, 1)))
    histories = {  # noqa: F841  the engine finds it by its name
        "repeats": repeats,
        "last": last.astype(int),
        "age": age,
        "amount": np.where(repeats > 0, np.maximum(np.round(amount, 2), 0.01), 0),
    }
    with duckdb.connect() as d:
        d.execute(f"copy (select row_number() over () as customer, * from histories) to '{file}'")


def fit_and_score(customers: int, folder: Path, watch: Watch) -> Path:
    from tierwise.value import bg_nbd, gamma_gamma

    file = folder / f"histories_{customers}.parquet"
    with frame.engine(folder / "value.duckdb") as d:
        with watch:
            cells = d.execute(
                f"select repeats, last, age, count(*) as customers from '{file}' group by all order by all"
            ).fetchnumpy()
            histories = bg_nbd.Cells(*(np.asarray(column, float) for column in cells.values()))
            often, _ = bg_nbd.fit(histories)
            spend = d.execute(
                f"select repeats, amount, count(*) as customers from '{file}' where repeats > 0 group by all"
            ).fetchnumpy()
            much, _ = gamma_gamma.fit(gamma_gamma.Cells(*(np.asarray(column, float) for column in spend.values())))
            scores = {  # noqa: F841  the engine finds it by its name
                **{name: cells[name] for name in ("repeats", "last", "age")},
                "alive": bg_nbd.probability_alive(often, histories),
                "purchases": bg_nbd.expected_purchases(often, histories, _YEAR),
                "discounted": bg_nbd.discounted_purchases(often, histories, _YEAR, _DISCOUNT_RATE),
            }
            d.execute(
                f"create table predicted as select customer, alive, purchases,"
                f" {much.p} * ({much.v} + repeats * amount) / ({much.p} * repeats + {much.q} - 1) as expected_amount,"
                f" discounted * expected_amount as value"
                f" from '{file}' join scores using (repeats, last, age)"
            )
        _keep(d, {**vars(often), **vars(much)}, folder / f"ours_{customers}.parquet")
    return folder / f"ours_{customers}.parquet"


def in_lifetimes(customers: int, folder: Path, watch: Watch) -> Path:
    peers.load("lifetimes")
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    with duckdb.connect() as d:
        rows = d.execute(f"from '{folder / f'histories_{customers}.parquet'}'").df()
    with watch:
        often = BetaGeoFitter()
        often.fit(rows["repeats"], rows["last"], rows["age"])
        again = rows[rows["repeats"] > 0]
        much = GammaGammaFitter()
        much.fit(again["repeats"], again["amount"])
        rows["alive"] = often.conditional_probability_alive(rows["repeats"], rows["last"], rows["age"])
        rows["purchases"] = often.conditional_expected_number_of_purchases_up_to_time(
            _YEAR, rows["repeats"], rows["last"], rows["age"]
        )
        rows["predicted"] = much.conditional_expected_average_profit(rows["repeats"], rows["amount"])
        rows["value"] = much.customer_lifetime_value(
            *(often, rows["repeats"], rows["last"], rows["age"], rows["amount"]),
            time=12,
            discount_rate=(1 + _DISCOUNT_RATE) ** (1 / 12) - 1,
            freq="D",
        )
    found = {**often.params_.to_dict(), **much.params_.to_dict()}
    with duckdb.connect() as d:
        _keep(d, found, folder / f"lifetimes_{customers}.parquet")
    return folder / f"lifetimes_{customers}.parquet"


def _keep(d: duckdb.DuckDBPyConnection, parameters: dict[str, float], file: Path) -> None:
    """The parameters to two digits: where two optimisers that stop at different steps must agree."""
    told = ", ".join(f"('{name}', {float(f'{value:.2g}')})" for name, value in sorted(parameters.items()))
    d.execute(f"copy (select * from (values {told}) as parameters (name, value) order by name) to '{file}'")
