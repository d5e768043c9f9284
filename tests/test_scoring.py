"""Predicted value through whole nights, on the purchases of CDNOW: when a model is fitted, what it says, and that a
release can be built from it again. What the models themselves must find is in tests/value."""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tierwise import scoring
from tierwise.configuration import ValueModel

CDNOW = Path(__file__).parent / "value" / "cdnow" / "CDNOW_sample.parquet"
COMPANY = """\
name: CDNOW
currency: USD
time_zone: America/New_York
clock: {last_day: 1998-06-30}
"""
SOURCES = """\
- name: shop
  required: true
  kind: files
  time_zone: America/New_York
  streams:
    orders:
      from: inbox/orders/*.parquet
      known_on: {column: day}
      columns:
        order_id: number
        line_id: {value: "1"}
        customer_id: customer
        ordered_at: day
        amount: {sql: amount, type: money, from_binary: true}
        category: {sql: "case customer % 10 when 3 then null when 1 then 'rock' when 5 then 'rock' else 'jazz' end"}
        cost_amount:
          sql: "case customer % 10 when 3 then null when 1 then null when 5 then amount * 0.8 else amount * 0.6 end"
          type: money
          from_binary: true
        currency: {value: USD}
        kind: {value: sale}
"""
POLICIES = """\
by_forecast:
  status: active
  primary: true
  labels: By forecast
  measure: customer_value_12m
  tiers:
    - {tier: top, labels: Top, top_share: 0.1}
    - {tier: rest, labels: Rest, otherwise: true}
by_bounds:
  status: shadow
  labels: By bounds
  measure: customer_value_12m
  tiers:
    - {tier: A, labels: A, at_least: 20}
    - {tier: B, labels: B, at_least: 5}
    - {tier: C, labels: C, otherwise: true}
"""
NIGHTS = ("1997-09-29", "1997-09-30", "1997-10-01", "1997-10-02")


@pytest.fixture(scope="module")
def make_cdnow(make_company):
    def make(company: str = COMPANY):
        cdnow = make_company(company=company, sources=SOURCES, policies=POLICIES)
        file = cdnow.write("inbox/orders/purchases.parquet", "")
        with duckdb.connect() as d:
            d.execute(
                f"copy (select row_number() over (order by date, sample_id, value) as number, sample_id as customer,"
                f" date::date::timestamp as day, value as amount from '{CDNOW}') to '{file}'"
            )
        return cdnow

    return make


@pytest.fixture(scope="module")
def nights(make_cdnow):
    """Four nights around a month's beginning: the first one and the third fit a model."""
    cdnow = make_cdnow()
    said = {night: cdnow.run(night).said for night in NIGHTS}
    return cdnow, said


@pytest.mark.slow
def test_a_model_is_fitted_on_the_first_night_and_on_the_first_of_a_month(nights):
    cdnow, said = nights
    assert [night for night in NIGHTS if "the value model was fitted anew" in said[night]] == [NIGHTS[0], NIGHTS[2]]
    fitted = cdnow.marts("select fitted_on, status from model_cards order by fitted_on")
    assert fitted == [(date(1997, 9, 29), "fitted"), (date(1997, 10, 1), "fitted")]


@pytest.mark.slow
def test_the_parameters_are_those_that_positive_days_give(make_cdnow):
    """Of the days with positive spend up to 30 September alone: r 0.2439, log-likelihood -9578.2, told in weeks."""
    cdnow = make_cdnow()
    cdnow.run("1997-09-30")
    r, log_likelihood, buyers = cdnow.marts("select r, log_likelihood, buyers from model_cards")[0]
    repeats = cdnow.marts("select sum(repeat_purchases) from fct_customer_value where is_latest")[0][0]
    assert r == pytest.approx(0.2439, abs=0.00005)
    assert log_likelihood + float(repeats) * math.log(7) == pytest.approx(-9578.2, abs=0.05)
    assert buyers == cdnow.marts("select count(*) from dim_customers where expected_purchases_12m is not null")[0][0]


@pytest.mark.slow
def test_a_forecast_is_held_against_what_came(nights):
    cdnow, _ = nights
    expected, naive, came, error, naive_error, held_out_from = cdnow.marts(
        "select purchases_expected, purchases_at_former_rates, purchases_held_out, mean_error, mean_error_at_former_rates,"
        " held_out_from from model_cards where fitted_on = date '1997-09-29'"
    )[0]
    assert came == _days_after(cdnow, held_out_from)
    assert abs(expected - came) < abs(naive - came)
    assert error < naive_error
    groups = cdnow.marts("select sum(expected), sum(came) from model_calibration where model_id like '1997-09-29%'")[0]
    assert groups == (pytest.approx(expected, abs=0.01), came)


def _days_after(cdnow, day: date) -> int:
    """Days with positive spend after `day` of those who bought by then, counted in the raw file."""
    return cdnow.ask_files(
        f"""
        with days as (
            select sample_id, date::date as day from '{CDNOW}' where date::date <= date '1997-09-29'
            group by all having sum(value) > 0
        )
        select count(*) from days
        where day > date '{day}' and sample_id in (select sample_id from days where day <= date '{day}')"""
    )[0][0]


@pytest.mark.slow
def test_whose_costs_are_not_known_counts_with_the_margin_of_what_they_buy(nights):
    """Of jazz 0.4 is left, of rock 0.2; who buys what has no category counts with the company's margin, between the two."""
    cdnow, _ = nights
    margins = cdnow.marts(
        "select category, margin from model_margins where model_id like '1997-09-29%' order by category"
    )
    assert [(category, float(margin)) for category, margin in margins] == [
        ("jazz", pytest.approx(0.4, abs=0.0005)),
        ("rock", pytest.approx(0.2, abs=0.0005)),
    ]
    of = dict(
        cdnow.marts("""
            select customer_id::bigint % 10, any_value((value_margin_of, round(value_margin, 3)))
            from fct_customer_value join dim_customer_ids using (customer_key)
            where is_latest and value_margin_of is not null and net_revenue_12m > 100 group by all""")
    )
    assert of[1] == ("category", Decimal("0.200"))
    assert (of[2][0], of[5][0], of[3][0]) == ("customer", "customer", "company")
    assert 0.2 < of[3][1] < 0.4


@pytest.mark.slow
def test_what_a_new_model_moves_is_told_apart(nights):
    """On the night of the refit the model moved scores, on the next one it moved none; the parts sum to the change."""
    cdnow, _ = nights
    parts = "part_policy + part_identity + part_corrected_data + part_value_model + part_own_behaviour"
    parts += " + part_left_window + part_others_moved"
    sums = f"select count(*) from tier_explanations where coalesce(score, 0) - coalesce(score_before, 0) <> {parts}"
    moved = "select count(*) filter (where part_value_model <> 0) from tier_explanations"
    third, fourth = ((cdnow.home / "var/release" / f"{night}.1" / "tierwise.duckdb") for night in NIGHTS[2:])
    assert [cdnow.ask(release, sums) for release in (third, fourth)] == [[(0,)], [(0,)]]
    assert cdnow.ask(third, moved)[0][0] > 1000
    assert cdnow.ask(fourth, moved) == [(0,)]
    causes = cdnow.ask(third, "select distinct cause from fct_tier_changes where as_of = date '1997-10-01'")
    assert ("model_refitted",) in causes


@pytest.mark.slow
def test_nights_are_one_backfill_and_a_release_can_be_built_again(nights, make_cdnow):
    cdnow, _ = nights
    at_once = make_cdnow()
    at_once.backfill(NIGHTS[0], NIGHTS[-1])
    assert at_once.differences(cdnow) == []
    assert cdnow.tierwise("release", "verify").code == 0


@pytest.mark.slow
def test_a_night_that_is_asked_to_fits_anew(nights, tmp_path):
    cdnow = nights[0].copy_to(tmp_path / "asked")
    assert cdnow.tierwise("value", "fit").code == 0
    assert "the value model was fitted anew" in cdnow.run("1997-10-03").said
    assert "the value model was fitted anew" not in cdnow.run("1997-10-04").said
    shown = json.loads(cdnow.tierwise("value", "show", "--json").out)
    assert shown["fitted_on"] == "1997-10-03"
    assert [group["repeats"] for group in shown["calibration"]] == list(range(8))


@pytest.mark.slow
def test_a_day_that_is_run_again_fits_the_same_model(nights, tmp_path):
    cdnow = nights[0].copy_to(tmp_path / "again")
    assert cdnow.tierwise("value", "fit").code == 0
    cdnow.run("1997-10-05")
    first = cdnow.released.resolve()
    cdnow.run("1997-10-05")
    assert cdnow.differences(first) == []
    cdnow.run("1997-10-06")
    fitted = cdnow.marts("select fitted_on::varchar from model_cards order by fitted_on")
    assert [day for (day,) in fitted] == ["1997-09-29", "1997-10-01", "1997-10-05"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "because"),
    [
        ("minimum_buyers: 5000", "buyers, and it takes 5000"),
        ("minimum_days: 400", "days of history, and it takes 400"),
    ],
)
def test_too_few_data_give_no_forecast_and_the_card_says_why(make_cdnow, limit, because):
    cdnow = make_cdnow(COMPANY + f"value_model: {{{limit}}}\n")
    said = cdnow.run("1997-09-30").said
    assert "there is no prediction" in said
    assert because in said
    status, why, r = cdnow.marts("select status, because, r from model_cards")[0]
    assert (status, r) == ("not_fitted", None)
    assert because in why
    unknown = "expected_purchases_12m is null and probability_alive is null and customer_value_12m is null"
    assert cdnow.marts(f"select bool_and({unknown}) from fct_customer_value") == [(True,)]
    assert cdnow.marts("select distinct graded from dim_customer_tiers") == [("not_graded",)]


@pytest.mark.slow
def test_after_a_fit_that_failed_the_model_before_stays_and_the_next_night_tries_again(nights, tmp_path):
    cdnow = nights[0].copy_to(tmp_path / "failed")
    with contextlib.closing(sqlite3.connect(cdnow.home / "var" / "control.db")) as store, store:
        text = store.execute("select text from value_models where fitted_on = '1997-10-01'").fetchone()[0]
        failed = json.dumps({**json.loads(text), "status": "failed", "because": "planted", "r": None, "alpha": None})
        store.execute("update value_models set text = ? where fitted_on = '1997-10-01'", [failed])
    assert "1997-10-02: the value model was fitted anew" in cdnow.run("1997-10-02").said
    listed = cdnow.marts("select fitted_on::varchar, status from model_cards order by fitted_on")
    assert listed == [("1997-09-29", "fitted"), ("1997-10-01", "failed"), ("1997-10-02", "fitted")]


def test_customers_who_all_buy_alike_are_not_told_apart(tmp_path, monkeypatch):
    """Everybody bought on the same four days: no rate differs from another, so none of them is a customer's own."""
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    build = tmp_path / "build.duckdb"
    with duckdb.connect(str(build)) as d:
        d.execute("create schema intermediate")
        d.execute(
            "create table intermediate.int_customers__valued as select 'day' as basis, date '2024-12-31' as as_of,"
            " n as customer_key, date '2024-01-01' as first_purchased_on, date '2024-12-20' as last_purchased_on,"
            " 3 as repeat_purchases, 354 as age_at_last_purchase_days, 365 as age_days, 10.00 as average_repeat_amount,"
            " null::decimal(18, 2) as gross_profit_12m, 40.00 as net_revenue_12m from range(600) as customers (n)"
        )
        d.execute(
            "create table intermediate.int_purchase_cells__counted as select 'day' as basis, date '2024-12-31' as as_of,"
            " 3 as repeat_purchases, 354 as age_at_last_purchase_days, 365 as age_days, 600 as customers"
        )
    model = scoring.fit(build, date(2024, 12, 31), ValueModel())
    assert (model.status, model.r) == ("not_fitted", None)
    assert model.because == "customers buy too much alike to say how they differ"
