"""The two doors, held against rows whose failures were counted by hand."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tierwise import quality, settings
from tierwise.configuration import Company, Limits
from tierwise.errors import ConfigurationRefused, OurFailure
from tierwise.quality import AtTheDoor, Finding, Verdict
from tierwise.sources.reasons import DELIVERY_REASONS
from tierwise.sources.streams import DUCKDB_TYPES, STREAMS

# In Shanghai this day ends at 16:00 UTC; with the tolerance of an hour, 17:00 UTC is too late.
DAY = date(2026, 3, 10)

GOOD: dict[str, dict[str, Any]] = {
    "customers": {"customer_id": "C1", "name": "Li Wei", "created_at": "2020-01-01"},
    "orders": {
        "order_id": "O1",
        "line_id": "1",
        "customer_id": "C1",
        "ordered_at": "2026-03-10 08:00:00",
        "amount": "90.00",
        "currency": "CNY",
        "kind": "sale",
        "quantity": 2,
        "list_price": "50.00",
        "discount_amount": "10.00",
        "tax_amount": "5.40",
        "cost_amount": "40.00",
    },
    "interactions": {
        "interaction_id": "I1",
        "customer_id": "C1",
        "occurred_at": "2026-03-10 08:00:00",
        "kind": "call",
        "duration_seconds": 60,
    },
    "issue_events": {
        "issue_id": "T1",
        "event_number": "1",
        "customer_id": "C1",
        "occurred_at": "2026-03-10 08:00:00",
        "status": "opened",
    },
    "survey_responses": {
        "response_id": "R1",
        "question_id": "Q1",
        "customer_id": "C1",
        "instrument": "nps",
        "score": 9,
        "scale_min": 0,
        "scale_max": 10,
        "answered_at": "2026-03-10 08:00:00",
        "asked_at": "2026-03-09 08:00:00",
    },
    "products": {"product_id": "P1", "unit_cost": "3.00", "list_price": "5.00"},
    "payments": {
        "payment_id": "P1",
        "customer_id": "C1",
        "amount": "90.00",
        "currency": "CNY",
        "issued_on": "2026-02-09",
        "due_on": "2026-03-09",
        "paid_at": "2026-03-10 08:00:00",
    },
    "customer_assessments": {
        "assessment_id": "A1",
        "customer_id": "C1",
        "criterion": "strategic",
        "points": "80",
        "assessor": "Li Wei",
        "from": "2026-03-01",
        "until": "2026-03-01",
    },
    "customer_facts": {"fact": "headcount", "customer_id": "C1", "from": "2026-03-01", "value": "120"},
    "industry_outlook": {"industry": "Trade", "from": "2026-01-01", "growth": "0.04"},
    "activity_rates": {"activity": "visit", "from": "2026-01-01", "unit_cost": "80.00", "sensitivity": "0.25"},
    "service_targets": {"tier": "vip", "from": "2026-01-01", "first_response_minutes": 60, "resolution_minutes": None},
    "exchange_rates": {"currency": "EUR", "from": "2026-03-10", "rate": "7.81250000", "is_confirmed": None},
    "tier_overrides": {
        "policy": "pyramid",
        "customer_id": "C1",
        "from": "2026-03-01",
        "until": "2026-03-01",
        "tier": "vip",
        "reason": "founder's friend",
        "author": "Li Wei",
    },
    "existing_tiers": {"policy": "pyramid", "customer_id": "C1", "tier": "vip", "author": "Li Wei"},
}

# What makes a good row a bad one, the reason, and the column to look at.
PLANTED: dict[str, list[tuple[dict[str, Any], str, str]]] = {
    "customers": [({"created_at": "2026-03-10 17:00:00"}, "future_date", "created_at")],
    "orders": [
        ({"amount": "-90.00"}, "negative_order", "amount"),
        ({"kind": "refund"}, "sign_ambiguous", "amount"),
        ({"kind": "cancel"}, "sign_ambiguous", "amount"),
        ({"quantity": -2}, "sign_conflict", "quantity"),
        ({"amount": "100000000.01"}, "amount_out_of_range", "amount"),
        ({"amount": "-100000000.01", "kind": "refund", "quantity": -2}, "amount_out_of_range", "amount"),
        ({"ordered_at": "2026-03-10 17:00:00"}, "future_date", "ordered_at"),
        ({"ordered_at": "1989-12-31 23:59:59"}, "date_too_old", "ordered_at"),
        ({"discount_amount": "100.01"}, "arithmetic", "discount_amount"),
        ({"tax_amount": "-0.01"}, "arithmetic", "tax_amount"),
        ({"cost_amount": "-0.01"}, "arithmetic", "cost_amount"),
    ],
    "interactions": [
        ({"duration_seconds": -5}, "duration_range", "duration_seconds"),
        ({"duration_seconds": 864000}, "duration_range", "duration_seconds"),
        ({"occurred_at": "2026-03-10 17:00:00"}, "future_date", "occurred_at"),
        ({"occurred_at": "1970-01-01 00:00:00"}, "date_too_old", "occurred_at"),
    ],
    "issue_events": [
        ({"occurred_at": "2026-03-10 17:00:00"}, "future_date", "occurred_at"),
        ({"occurred_at": "1970-01-01 00:00:00"}, "date_too_old", "occurred_at"),
    ],
    "survey_responses": [
        ({"score": 11}, "score_range", "score"),
        ({"score": -1}, "score_range", "score"),
        ({"score": "9.5"}, "score_range", "score"),
        ({"scale_min": 10, "scale_max": 10}, "scale_invalid", "scale_max"),
        ({"asked_at": "2026-03-10 08:00:01"}, "time_order", "answered_at"),
        ({"answered_at": "2026-03-10 17:00:00"}, "future_date", "answered_at"),
        ({"answered_at": "1899-12-30", "asked_at": None}, "date_too_old", "answered_at"),
    ],
    "products": [
        ({"unit_cost": "-0.01"}, "range", "unit_cost"),
        ({"list_price": "-0.01", "unit_cost": None}, "range", "list_price"),
    ],
    "payments": [
        ({"amount": "-0.01"}, "range", "amount"),
        ({"amount": "100000000.01"}, "amount_out_of_range", "amount"),
        ({"paid_at": "2026-03-10 17:00:00"}, "future_date", "paid_at"),
        ({"due_on": "1989-12-31", "issued_on": None}, "date_too_old", "due_on"),
        ({"due_on": "2026-02-08"}, "time_order", "due_on"),
    ],
    "customer_assessments": [
        ({"points": "100.01"}, "range", "points"),
        ({"points": "-1"}, "range", "points"),
        ({"assessor": "\u3000"}, "author_missing", "assessor"),
        ({"until": "2026-02-28"}, "time_order", "until"),
    ],
    "customer_facts": [
        ({"value": "-1"}, "range", "value"),
        ({"fact": "market_share", "value": "1.01"}, "range", "value"),
        ({"fact": "spend", "value": "10000000000.01"}, "amount_out_of_range", "value"),
    ],
    "industry_outlook": [({"growth": "-1.0001"}, "range", "growth"), ({"growth": "10.0001"}, "range", "growth")],
    "activity_rates": [
        ({"unit_cost": "-0.01"}, "range", "unit_cost"),
        ({"sensitivity": "1.01"}, "range", "sensitivity"),
        ({"sensitivity": "-0.01"}, "range", "sensitivity"),
    ],
    "service_targets": [
        ({"first_response_minutes": 0}, "range", "first_response_minutes"),
        ({"resolution_minutes": -1}, "range", "resolution_minutes"),
    ],
    "exchange_rates": [
        ({"rate": "0"}, "range", "rate"),
        ({"rate": "-7.80"}, "range", "rate"),
        ({"rate": "10000000.00000001", "is_confirmed": True}, "range", "rate"),
        ({"rate": "78.125", "from": "2026-03-11"}, "rate_leap", "rate"),
        ({"rate": "0.78125", "from": "2026-03-11"}, "rate_leap", "rate"),
    ],
    "tier_overrides": [
        ({"until": "2026-02-28"}, "time_order", "until"),
        ({"reason": ""}, "reason_missing", "reason"),
        ({"reason": " \u3000\n"}, "reason_missing", "reason"),
        ({"author": "\u200b"}, "author_missing", "author"),
    ],
}

# Odd, and right: none of these may be stopped.
ODD: dict[str, list[dict[str, Any]]] = {
    "customers": [{"created_at": None}, {"created_at": "1900-01-01"}],
    "orders": [
        {"amount": "0.00"},
        {"kind": "refund", "amount": "-90.00", "quantity": -2, "tax_amount": "-5.40", "cost_amount": "-40.00"},
        {"kind": "refund", "amount": "-90.00"},
        {"kind": "pending", "amount": "-1.00"},
        {"ordered_at": "2026-03-10 16:59:59"},
        {"ordered_at": "1990-01-01 00:00:00"},
        {"amount": "100000000.00"},
        {"discount_amount": "100.00"},
        {"quantity": None, "list_price": None, "discount_amount": None, "tax_amount": None, "cost_amount": None},
        {"ordered_at": "2026-03-20 08:00:00", "claimed_on": "2026-03-20"},
        {"amount": "-90.00", "left_out_because": "not merchandise"},
    ],
    "tier_overrides": [{"until": None}, {"from": "2030-01-01", "until": "2030-01-01"}, {"reason": "。"}],
    "existing_tiers": [{"author": None}, {"author": ""}],
    "interactions": [{"duration_seconds": None}, {"duration_seconds": 0}, {"duration_seconds": "863999.9"}],
    "issue_events": [{"severity": None}, {"status": "closed", "event_number": "9"}],
    "survey_responses": [
        {"score": None},
        {"score": 0},
        {"score": "4.5", "instrument": "csat", "scale_min": 1, "scale_max": 5},
        {"asked_at": "2026-03-10 08:00:00"},
        {"asked_at": None},
    ],
    "products": [{"unit_cost": None, "list_price": None}, {"unit_cost": "0.00"}, {"is_premium": True}],
    "payments": [
        {"issued_on": None},
        {"issued_on": "2026-03-09"},
        {"paid_at": None},
        {"due_on": "2026-04-30"},
        {"amount": "0.00"},
        {"paid_at": "2026-03-10 16:59:59"},
    ],
    "customer_assessments": [
        {"until": None},
        {"points": "0"},
        {"points": "100"},
        {"from": "2030-01-01", "until": None},
    ],
    "customer_facts": [
        {"value": "0"},
        {"fact": "market_share", "value": "1"},
        {"fact": "revenue", "value": "10000000000"},
        {"from": "2030-01-01"},
    ],
    "industry_outlook": [{"growth": "-1"}, {"growth": "4"}, {"from": "2030-01-01"}],
    "activity_rates": [{"sensitivity": None}, {"unit_cost": "0.00"}, {"from": "2030-01-01"}, {"sensitivity": "1"}],
    "service_targets": [{"first_response_minutes": None}, {"tier": "any", "resolution_minutes": 1}],
    "exchange_rates": [
        {"from": "2026-03-09"},
        {"rate": "78.12499999"},
        {"currency": "JPY", "rate": "0.04831200"},
        {"from": "2026-03-11", "rate": "781.25", "is_confirmed": True},
        {"from": "2026-03-12", "rate": "779.00"},
    ],
}


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(name="Demo", currency="CNY", time_zone="Asia/Shanghai")


def with_limits(company: Company, **limits: Any) -> Company:
    return company.model_copy(update={"limits": Limits(**limits)})


@pytest.fixture
def suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the suites that a test may change."""
    shutil.copytree(settings.PROJECT / "expectations", tmp_path / "expectations")
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    return tmp_path / "expectations"


def rewrite(suite: Path, *expectations: dict[str, Any]) -> None:
    suite.write_text(yaml.safe_dump({"name": suite.stem, "expectations": list(expectations)}))


def asking(query: str, **meta: str) -> dict[str, Any]:
    return {
        "type": "unexpected_rows_expectation",
        "severity": "critical",
        "description": "what the test asks",
        "meta": meta,
        "kwargs": {"unexpected_rows_query": query},
    }


def delivery(folder: Path, stream: str, rows: list[dict[str, Any]], **facts: Any) -> AtTheDoor:
    """Write rows as conform would; they differ from the good row of their stream in what they name."""
    name = facts.pop("delivery_id", f"{stream}-1")
    types = {"row_number": "bigint", "claimed_on": "date", "left_out_because": "varchar"}
    types |= {c.name: DUCKDB_TYPES[c.kind] for c in STREAMS[stream].columns}
    file = folder / f"{name}.parquet"
    with duckdb.connect() as d:
        columns = ", ".join(f'"{k}" {v}' for k, v in types.items())
        d.execute(f"create table t ({columns})")
        for n, row in enumerate(rows, 1):
            full = {**GOOD[stream], "row_number": n, **row}
            d.execute(f"insert into t values ({', '.join('?' for _ in types)})", [full.get(k) for k in types])
        d.execute(f"copy t to '{file}' (format parquet)")
    stated = {
        "source": "shop",
        "known_on": DAY,
        "delivered_rows": len(rows),
        "usual_rows": None,
        "accepted_anyway": False,
    }
    return AtTheDoor(delivery_id=name, stream=stream, rows=file, **stated | facts)


def through(tmp_path: Path, company: Company, *deliveries: AtTheDoor) -> dict[str, Verdict]:
    verdicts = quality.door_in(list(deliveries), company, tmp_path / "gate.duckdb")
    return {v.delivery_id: v for v in verdicts}


def failing(verdict: Verdict) -> list[tuple[int, str, str]]:
    with duckdb.connect() as d:
        return d.execute(f"select row_number, reason_code, column_name from '{verdict.failing}'").fetchall()


def names(findings: list[Finding]) -> dict[str, int]:
    return {f.check: f.count for f in findings}


def test_the_shipped_suites_are_well_formed() -> None:
    quality.check_suites()


def test_every_reason_names_its_planted_row_and_no_other(tmp_path: Path, company: Company) -> None:
    """All streams in one call; each planted row stands between good ones."""
    at_the_door, expected = [], {}
    for stream, planted in PLANTED.items():
        rows: list[dict[str, Any]] = [{}]
        expected[f"{stream}-1"] = []
        for change, reason, column in planted:
            rows += [change, {}]
            expected[f"{stream}-1"].append((len(rows) - 1, reason, column))
        at_the_door.append(delivery(tmp_path, stream, rows))
    verdicts = through(tmp_path, company, *at_the_door)
    assert {name: failing(v) for name, v in verdicts.items()} == expected
    assert {name: v.failing_rows for name, v in verdicts.items()} == {n: len(rows) for n, rows in expected.items()}
    assert not any(v.refusals for v in verdicts.values())


def test_odd_but_right_rows_come_in(tmp_path: Path, company: Company) -> None:
    verdicts = through(tmp_path, company, *(delivery(tmp_path, s, rows) for s, rows in ODD.items()))
    assert {name: failing(v) for name, v in verdicts.items()} == {f"{s}-1": [] for s in ODD}
    assert names(verdicts["orders-1"].warnings) == {
        "zero_amount_sale": 1,
        "refund_with_positive_quantity": 1,
        "after_the_day_ended": 1,
    }
    assert names(verdicts["customers-1"].warnings) == {"created_too_long_ago": 1}
    assert names(verdicts["industry_outlook-1"].warnings) == {"growth_in_percent": 2}


def test_a_rate_is_held_against_those_that_came_in_before(tmp_path: Path, company: Company) -> None:
    """Ten times the middle one of the five before: one that slipped in does not condemn the good ones after it."""
    log = tmp_path / "log.parquet"
    days = ", ".join(f"('EUR', date '2026-03-0{day}', {rate})" for day, rate in enumerate((7.8, 7.7, 7.9, 78.0), 1))
    duckdb.sql(
        f"select 'shop' as source, currency, day as \"from\", rate::decimal(18, 8) as rate, row_number() over () as row_number"
        f" from (values {days}) as t (currency, day, rate)"
    ).write_parquet(str(log))
    rows = [{"rate": "7.75"}, {"rate": "78.5", "from": "2026-03-11"}, {"currency": "USD", "rate": "0.07"}]
    told = through(tmp_path, company, delivery(tmp_path, "exchange_rates", rows, log=(log,)))
    assert failing(told["exchange_rates-1"]) == [(2, "rate_leap", "rate")]


def test_two_deliveries_of_one_stream_keep_their_rows_apart(tmp_path: Path, company: Company) -> None:
    """Row 2 is bad in the first, row 1 in the second, which is judged by the day of its own run."""
    first = delivery(tmp_path, "orders", [{}, {"amount": "-1.00"}], delivery_id="a")
    second = delivery(
        tmp_path, "orders", [{"ordered_at": "2026-03-08 17:00:00"}], delivery_id="b", known_on=date(2026, 3, 8)
    )
    third = delivery(tmp_path, "orders", [{}], delivery_id="c")
    verdicts = through(tmp_path, company, first, second, third)
    assert {name: failing(v) for name, v in verdicts.items()} == {
        "a": [(2, "negative_order", "amount")],
        "b": [(1, "future_date", "ordered_at")],
        "c": [],
    }


def test_a_row_with_two_faults_is_one_row_with_both_reasons(tmp_path: Path, company: Company) -> None:
    bad = delivery(tmp_path, "orders", [{"amount": "-1.00", "ordered_at": "2026-03-11 08:00:00"}])
    verdict = through(tmp_path, company, bad)["orders-1"]
    assert failing(verdict) == [(1, "negative_order", "amount"), (1, "future_date", "ordered_at")]
    assert verdict.failing_rows == 1


def test_the_limits_of_the_company_decide(tmp_path: Path, company: Company) -> None:
    strict = with_limits(company, amount_max=Decimal(100), min_date=date(2026, 3, 10), future_tolerance_minutes=0)
    rows = [
        {"amount": "100.00"},
        {"amount": "100.01"},
        {"ordered_at": "2026-03-09 23:59:59"},
        {"ordered_at": "2026-03-10 15:59:59"},
        {"ordered_at": "2026-03-10 16:00:00"},
    ]
    verdict = through(tmp_path, strict, delivery(tmp_path, "orders", rows))["orders-1"]
    assert failing(verdict) == [
        (2, "amount_out_of_range", "amount"),
        (3, "date_too_old", "ordered_at"),
        (5, "future_date", "ordered_at"),
    ]


def test_a_changed_unit_is_told(tmp_path: Path, company: Company) -> None:
    """Three amounts beyond the limit are slips; four are a warning that names their number."""
    slips = delivery(tmp_path, "orders", [{"amount": "200000000.00"}] * 3, delivery_id="a")
    fen = delivery(tmp_path, "orders", [{"amount": "200000000.00"}] * 4, delivery_id="b")
    verdicts = through(tmp_path, company, slips, fen)
    assert names(verdicts["a"].warnings) == {}
    [told] = verdicts["b"].warnings
    assert told.check == "many_amounts_out_of_range"
    assert told.sentence.startswith("4 amounts")


@pytest.mark.parametrize(
    ("delivered", "usual", "refused"),
    [(40, 100, True), (41, 100, False), (399, 100, False), (400, 100, True), (0, 100, True), (5, None, False)],
)
def test_far_fewer_or_far_more_rows_refuse_the_delivery(
    tmp_path: Path, company: Company, delivered: int, usual: float | None, refused: bool
) -> None:
    one = delivery(tmp_path, "orders", [{}] if delivered else [], delivered_rows=delivered, usual_rows=usual)
    refusals = through(tmp_path, company, one)["orders-1"].refusals
    assert [f.code for f in refusals] == (["volume"] if refused else [])
    if refused:
        assert f"{delivered} rows were delivered, usually it is 100" in refusals[0].sentence


def test_a_stale_delivery_is_refused(tmp_path: Path, company: Company) -> None:
    """18:00 UTC on the 7th is the 8th in Shanghai: two days before the delivery's day, three for the other."""
    rows = [{"ordered_at": "2026-03-07 18:00:00"}]
    fresh = delivery(tmp_path, "orders", rows, delivery_id="fresh")
    stale = delivery(tmp_path, "orders", [{**rows[0], "claimed_on": "2026-03-11"}], delivery_id="stale")
    untimed = delivery(tmp_path, "products", [{}], delivery_id="untimed")
    verdicts = through(tmp_path, with_limits(company, freshness_days=2), fresh, stale, untimed)
    assert {n: [f.code for f in v.refusals] for n, v in verdicts.items()} == {
        "fresh": [],
        "stale": ["freshness"],
        "untimed": [],
    }
    assert (
        "the newest row is of 2026-03-08, the delivery describes 2026-03-11" in verdicts["stale"].refusals[0].sentence
    )
    assert not through(tmp_path, company, stale)["stale"].refusals, "without freshness_days nothing is stale"


def test_a_delivery_that_a_person_vouches_for_comes_in_without_its_bad_rows(tmp_path: Path, company: Company) -> None:
    rows = [{"ordered_at": "2025-01-01"}, {"amount": "-1.00", "ordered_at": "2025-01-01"}]
    vouched = delivery(tmp_path, "orders", rows, usual_rows=100.0, accepted_anyway=True)
    verdict = through(tmp_path, with_limits(company, freshness_days=2), vouched)["orders-1"]
    assert verdict.refusals == []
    assert {(f.code, f.severity) for f in verdict.warnings} == {("volume", "warning"), ("freshness", "warning")}
    assert failing(verdict) == [(2, "negative_order", "amount")]


def test_rows_that_mostly_forgives_are_quarantined_too(suites: Path, tmp_path: Path, company: Company) -> None:
    forgiving = {
        "type": "expect_column_values_to_be_between",
        "severity": "critical",
        "description": "most products cost something",
        "meta": {"reason": "range", "column": "unit_cost"},
        "kwargs": {"column": "unit_cost", "min_value": 0, "mostly": 0.5},
    }
    rewrite(suites / "products.yml", forgiving)
    rows = [{}, {"unit_cost": "-1.00"}, {}, {}]
    assert failing(through(tmp_path, company, delivery(tmp_path, "products", rows))["products-1"]) == [
        (2, "range", "unit_cost")
    ]


# --- disasters ------------------------------------------------------------------------------------------------------


def test_an_exception_inside_great_expectations_is_never_a_pass(suites: Path, tmp_path: Path, company: Company) -> None:
    broken = asking(
        "select delivery_id, row_number from {batch} where no_such_column < 0", reason="range", column="name"
    )
    rewrite(suites / "products.yml", broken)
    with pytest.raises(OurFailure, match=r"products\.yml:\d+: the check range:name of products failed.*no_such_column"):
        through(tmp_path, company, delivery(tmp_path, "products", [{}]))


def test_a_customers_data_reaches_neither_sentence_nor_log(
    suites: Path, tmp_path: Path, company: Company, capfd: pytest.CaptureFixture, caplog: pytest.LogCaptureFixture
) -> None:
    """The engine quotes the value that it could not convert; we do not."""
    leaking = asking(
        "select delivery_id, row_number from {batch} where cast(name as integer) < 0", reason="range", column="name"
    )
    rewrite(suites / "products.yml", leaking)
    with pytest.raises(OurFailure) as refused:
        through(tmp_path, company, delivery(tmp_path, "products", [{"name": "wang.fang@example.cn"}]))
    assert "wang.fang" not in refused.value.sentence
    assert "wang.fang" not in "".join([*capfd.readouterr(), caplog.text])


def test_keys_that_are_not_the_rows_that_were_counted_stop_the_run(
    suites: Path, tmp_path: Path, company: Company
) -> None:
    """Great Expectations leaves a row_condition out of the query that names the rows: 1 counted, 2 named."""
    conditional = {
        "type": "expect_column_values_to_be_between",
        "severity": "critical",
        "description": "cheap products cost something",
        "meta": {"reason": "range", "column": "unit_cost"},
        "kwargs": {
            "column": "unit_cost",
            "min_value": 0,
            "row_condition": 'col("list_price") < 10',
            "condition_parser": "great_expectations",
        },
    }
    rewrite(suites / "products.yml", conditional)
    rows = [{"unit_cost": "-1.00"}, {"unit_cost": "-1.00", "list_price": "50.00"}, {}]
    with pytest.raises(OurFailure, match="counted 1 failing rows, but 2 were found"):
        through(tmp_path, company, delivery(tmp_path, "products", rows))


def test_a_row_named_twice_by_a_join_stops_the_run(suites: Path, tmp_path: Path, company: Company) -> None:
    doubled = asking(
        "select delivery_id, row_number from {batch}, (select unnest([1, 2])) where unit_cost < 0",
        reason="range",
        column="unit_cost",
    )
    rewrite(suites / "products.yml", doubled)
    with pytest.raises(OurFailure, match=r"counted 2 failing rows, but 2 were found \(1 different"):
        through(tmp_path, company, delivery(tmp_path, "products", [{"unit_cost": "-1.00"}]))


@pytest.mark.parametrize("options", [{}, {"isolation_level": "AUTOCOMMIT"}, {"skip_autocommit_rollback": True}])
def test_great_expectations_still_needs_both_options_of_sqlalchemy(
    tmp_path: Path, company: Company, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """When this fails, Great Expectations reads DuckDB by itself: take quality.READ_ONLY out."""
    monkeypatch.setattr(quality, "READ_ONLY", options)
    with pytest.raises(OurFailure):
        through(tmp_path, company, delivery(tmp_path, "products", [{}]))


# --- suites that are not well formed --------------------------------------------------------------------------------

_GOOD_SQL = "select delivery_id, row_number from {batch} where unit_cost < 0"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "unexpected_row_expectation"}, "did you mean unexpected_rows_expectation"),
        ({"severity": "critcal"}, "severity"),
        ({"kwargs": {"unexpected_rows_query": _GOOD_SQL, "mostly": 0.9}}, "kwargs.mostly"),
        ({"kwargs": {"unexpected_rows_query": "select 1 as delivery_id from limits"}}, "does not read {batch}"),
        ({"kwargs": {"unexpected_rows_query": "select {batch"}}, "brace"),
        ({"type": "expect_column_values_to_be_between", "kwargs": {"colum": "unit_cost", "min_value": 0}}, "column"),
        (
            {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "unit_cost", "min_value": 0}},
            "whole table",
        ),
        ({"meta": {"reason": "rang", "column": "unit_cost"}}, "no reason rang; did you mean range"),
        ({"meta": {"column": "unit_cost"}}, "meta.reason is missing"),
        ({"meta": {"reason": "range", "column": "unit_csot"}}, "did you mean unit_cost"),
        ({"meta": {"reason": "range", "column": "unit_cost", "because": "x"}}, "because"),
        ({"meta": {"refuses": "volum"}}, "did you mean volume"),
        ({"severity": "warning"}, "meta.name is missing"),
        ({"sevreity": "warning"}, "sevreity"),
    ],
)
def test_a_mistake_in_a_suite_is_answered_with_file_and_line(suites: Path, change: dict[str, Any], said: str) -> None:
    """Great Expectations itself would drop such an expectation and go on."""
    rewrite(suites / "products.yml", asking(_GOOD_SQL, reason="range", column="unit_cost") | change)
    with pytest.raises(ConfigurationRefused) as refused:
        quality.check_suites()
    assert "expectations/products.yml:" in refused.value.sentence
    assert said in refused.value.sentence


def test_a_query_that_the_engine_cannot_read_is_found_before_any_data(suites: Path) -> None:
    rewrite(
        suites / "products.yml",
        asking("select delivery_id, row_number from {batch} where unit_csot < 0", reason="range", column="unit_cost"),
        asking("select delivery_id from {batch} where unit_cost < 0", reason="range", column="unit_cost"),
    )
    with pytest.raises(ConfigurationRefused) as refused:
        quality.check_suites()
    assert "unit_csot" in refused.value.sentence
    assert "row_number is missing" in refused.value.sentence


def test_a_missing_suite_is_no_pass(suites: Path, tmp_path: Path, company: Company) -> None:
    (suites / "products.yml").unlink()
    with pytest.raises(ConfigurationRefused, match=r"products\.yml is missing"):
        through(tmp_path, company, delivery(tmp_path, "products", [{}]))


# --- the door out ---------------------------------------------------------------------------------------------------

MARTS = """
create schema marts;
create table marts.dim_customers as select * from (values
  ('k1', date '2026-03-10', 'pyramid', 'vip'), ('k2', date '2026-03-10', 'pyramid', 'small'),
  ('k3', date '2026-03-10', null, null)) t(customer_key, as_of, policy, tier);
create table marts.fct_customer_value as select * from (values
  ('k1', date '2026-03-10', true, 70.00::decimal(18, 2)), ('k2', date '2026-03-10', true, 0.00),
  ('k3', date '2026-03-10', true, null), ('k1', date '2026-02-28', false, 20.00)) t(customer_key, as_of, is_latest, net_revenue_12m);
create table marts.fct_orders as select *, 1.0 as exchange_rate from (values
  ('k1', date '2026-03-10', 'sale', true, 90.00::decimal(18, 2)), ('k1', date '2025-03-11', 'refund', true, -20.00),
  ('k1', date '2025-03-10', 'sale', true, 5.00), ('k1', date '2026-03-01', 'pending', false, 1000.00),
  ('k2', date '2024-01-01', 'sale', true, 8.00)) t(customer_key, ordered_on, kind, is_counted, net_amount);
create table marts.dim_customer_tiers as select * from (values
  (date '2026-03-10', 'pyramid', 'active', 'k1', 'vip', 'graded'),
  (date '2026-03-10', 'pyramid', 'active', 'k2', 'small', 'graded')) t(as_of, policy, policy_status, customer_key, tier, graded);
create table marts.tier_history as select * from (values
  ('pyramid', 'k1', 'small', 'graded', date '2026-01-01', date '2026-03-09'),
  ('pyramid', 'k1', 'vip', 'graded', date '2026-03-10', null),
  ('pyramid', 'k2', 'small', 'graded', date '2026-01-01', null)) t(policy, customer_key, tier, graded, valid_from, valid_to);
create table marts.rpt_tier_summary as select date '2026-03-10' as as_of, 'pyramid' as policy, 'vip' as tier;
create table marts.crm_customer_tiers as select 'shop' as source, customer_key as customer_id, customer_key, policy, tier
  from marts.dim_customer_tiers;
create table marts.ops_deliveries as select 'd1' as delivery_id, 'accepted' as status, 1 as quarantined_rows;
create table marts.ops_quarantine as select * from (values ('d1', 7, 'range'), ('d1', 7, 'arithmetic')) t(delivery_id, row_number, reason_code);
create table marts.fct_interactions as select * from (values ('desk', 'k1'), ('desk', null)) t(source, customer_key);
create table marts.fct_payments as select * from (values
  ('books', 'y1', 1.0, date '2026-03-10'), ('books', 'y2', null, date '2026-03-11')) t(source, payment_id, exchange_rate, due_on);
create table marts.fct_survey_responses as select 'survey' as source, 'k1' as customer_key;
create table marts.model_cards as select * from (values
  ('m0', date '2026-01-31', 'failed'), ('m1', date '2026-02-01', 'fitted'), ('m2', date '2026-03-01', 'failed'),
  ('m3', date '2026-03-02', 'failed')) t(model_id, fitted_on, status);
"""


def released(tmp_path: Path, changed: str = "") -> Path:
    database = tmp_path / "tierwise.duckdb"
    with duckdb.connect() as d:
        d.execute(f"attach '{database}' as release")
        d.execute(f"use release; {MARTS}; {changed}")
    return database


def test_a_release_that_adds_up_goes_out_without_a_word(tmp_path: Path, company: Company) -> None:
    database = released(tmp_path)
    assert quality.door_out(database, company, tmp_path / "spill") == []
    with duckdb.connect(str(database)) as d:  # and nobody holds the file any more
        d.execute("create table afterwards as select 1 as one")


@pytest.mark.parametrize(
    ("disaster", "check"),
    [
        ("update marts.dim_customer_tiers set as_of = date '2026-03-09'", "one_day"),
        ("delete from marts.fct_customer_value where customer_key = 'k3'", "customers_have_values"),
        ("update marts.fct_orders set customer_key = 'k9' where customer_key = 'k2'", "orders_are_of_customers"),
        (
            "update marts.fct_customer_value set net_revenue_12m = 70.01 where net_revenue_12m = 70",
            "revenue_is_conserved",
        ),
        ("update marts.fct_orders set net_amount = 0 where kind = 'refund'", "revenue_is_conserved"),
        ("update marts.dim_customer_tiers set customer_key = 'k9' where tier = 'vip'", "tiers_are_of_customers"),
        ("delete from marts.tier_history where tier = 'vip'", "tiers_are_those_of_history"),
        ("update marts.dim_customers set tier = 'vip' where customer_key = 'k2'", "primary_tier"),
        ("update marts.crm_customer_tiers set tier = 'small'", "crms_are_told_the_tier_held"),
        ("delete from marts.ops_quarantine", "quarantine_is_listed"),
        ("insert into marts.model_cards values ('m4', date '2026-03-03', 'failed')", "value_model_fits"),
    ],
)
def test_a_release_that_does_not_add_up_stays_inside(
    tmp_path: Path, company: Company, disaster: str, check: str
) -> None:
    with pytest.raises(OurFailure, match=f"{check}: not so"):
        quality.door_out(released(tmp_path, disaster), company, tmp_path / "spill")


def test_a_missing_mart_is_no_pass(tmp_path: Path, company: Company) -> None:
    with pytest.raises(OurFailure, match="fct_orders"):
        quality.door_out(released(tmp_path, "drop table marts.fct_orders"), company, tmp_path / "spill")


def test_strange_distributions_are_told(tmp_path: Path, company: Company) -> None:
    strange = """
    insert into marts.dim_customers select 'x' || i, date '2026-03-10', 'pyramid', 'small' from range(101) r(i);
    insert into marts.fct_customer_value select 'x' || i, date '2026-03-10', true, -1.00 from range(101) r(i);
    insert into marts.fct_orders select 'x' || i, date '2026-03-10', 'refund', true, -1.00, 1.0 from range(101) r(i);
    insert into marts.fct_orders select 'k1', date '2026-03-10', 'sale', false, null, null from range(3);
    insert into marts.dim_customer_tiers
      select date '2026-03-10', 'pyramid', 'active', 'x' || i, 'small', 'graded' from range(101) r(i);
    insert into marts.tier_history select 'pyramid', 'x' || i, 'small', 'graded', date '2026-03-10', null from range(101) r(i);
    update marts.dim_customer_tiers set tier = 'small';
    update marts.crm_customer_tiers set tier = 'small';
    update marts.tier_history set tier = 'small';
    update marts.dim_customers set tier = 'small' where policy is not null;
    update marts.fct_payments set due_on = date '2026-03-10';
    update marts.fct_interactions set customer_key = null;
    update marts.fct_survey_responses set customer_key = null;
    """
    told = quality.door_out(released(tmp_path, strange), company, tmp_path / "spill")
    assert [f.check for f in told] == [
        "everybody_in_one_tier",
        "interactions_without_customers",
        "answers_without_customers",
        "negative_customers",
        "lines_without_a_rate",
        "payments_without_a_rate",
    ]
    assert {f.severity for f in told} == {"warning"}


def test_what_refuses_a_delivery_has_a_name_people_know() -> None:
    assert {"volume", "freshness"} <= set(DELIVERY_REASONS)
