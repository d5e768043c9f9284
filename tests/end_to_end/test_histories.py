"""Generated histories through the whole pipeline: nights that go on, a rebuild from the manifest, another arrival."""

from __future__ import annotations

import json
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import pytest
from tests.incremental.histories import Arrivals, Row, _History, _Rates

CASES = 6
NIGHTS = [date(2023, 12, 31), date(2024, 2, 29), date(2025, 1, 2)]
MAPPING_CHANGES_BEFORE = NIGHTS[1]

COMPANY = """\
name: {en: Generated, zh: 生成}
currency: GBP
time_zone: Europe/London
limits: {max_bad_share: 1, volume_drop: 1, volume_rise: 1000000, rate_days: 30}
"""
STREAMS = {
    "orders": "order_id customer_id ordered_at amount currency kind quantity product_id cost_amount original_order_id"
    " discount_amount is_rush list_price",
    "customer_assessments": "assessment_id customer_id criterion points assessor from until",
    "customer_facts": "fact customer_id from value",
    "industry_outlook": "industry from growth",
    "payments": "payment_id customer_id amount currency issued_on due_on paid_at",
    "activity_rates": "activity from unit_cost sensitivity",
    "exchange_rates": "currency from rate",
    "customers": "customer_id subject_type industry region",
    "products": "product_id unit_cost list_price category is_premium",
    "issue_events": "issue_id event_number customer_id occurred_at status severity",
    "interactions": "interaction_id customer_id occurred_at kind",
    "survey_responses": "response_id question_id customer_id respondent_id instrument score scale_min scale_max answered_at"
    " dimension",
}
# What the mended mapping reads otherwise: never whether another version of the same thing is read.
MENDED = {
    "        amount: amount\n": '        amount: {sql: "amount * 3"}\n',
    "        occurred_at: occurred_at\n        kind: {from: kind}\n": (
        "        occurred_at: occurred_at\n        kind: {from: kind, codes: {call: visit}}\n"
    ),
    "      replaces: order\n": (
        "      replaces: order\n      leave_out: [{sql: \"order_id like '%-o3'\", because: no merchandise}]\n"
    ),
}


class Deliveries(Arrivals):
    """The same histories as files: some carry their day in their name. Every row says when it was written."""

    def __init__(self, nights: Sequence[date]) -> None:
        super().__init__(nights)
        self.files: list[dict[tuple[str, str], list[Row]]] = [defaultdict(list) for _ in nights]
        self.written = 0

    def add(self, stream, rows, *, of, on, claims, updated_at):
        night = bisect_left(self.nights, on)
        if night < len(self.nights):
            self.written += 1
            at = updated_at or datetime.combine(on, time()) + timedelta(seconds=self.written)
            # rates of single days would be a file a day
            is_dated = claims and stream != "exchange_rates"
            place = ("dated", f"{stream}_{on}") if is_dated else ("undated", f"{stream}_{night}")
            told = [{**row, "updated_at": at} for row in rows]
            self.files[night][place[0], f"{stream}/{place[1]}"] += told


def _sources() -> str:
    text = ""
    for source in ("dated", "undated"):
        text += f"- name: {source}\n  required: false\n  kind: files\n  time_zone: Europe/London\n  streams:\n"
        for stream, columns in STREAMS.items():
            text += f"    {stream}:\n      from: inbox/{source}/{stream}/*.jsonl\n"
            text += f'      known_on: {{from_name: "{stream}_%Y-%m-%d"}}\n' if source == "dated" else ""
            text += "      replaces: order\n" if stream == "orders" else ""
            text += "      columns:\n"
            text += "        line_id: position_in_order\n" if stream == "orders" else ""
            for column in (*columns.split(), "updated_at"):
                text += f"        {column}: {{from: kind}}\n" if column == "kind" else f"        {column}: {column}\n"
    return text


def _deliver(company, files):
    for (source, name), rows in files.items():
        lines = [json.dumps(row, default=str) for row in rows]
        company.write(f"inbox/{source}/{name}.jsonl", "\n".join(lines) + "\n")


@pytest.fixture(scope="module", params=[11, 12, 13])
def histories(request, make_company):
    """Some nights of generated deliveries; between two of them the mapping is mended."""
    deliveries = Deliveries(NIGHTS)
    _Rates(random.Random(request.param), "rates", deliveries).tell()
    for case in range(CASES):
        _History(random.Random(request.param * 1_009 + case), f"h{case}", deliveries).tell()
    mended = _sources()
    for before, after in MENDED.items():
        assert before in mended
        mended = mended.replace(before, after)
    company = make_company(company=COMPANY, sources=_sources())
    for night, files in zip(NIGHTS, deliveries.files, strict=True):
        _deliver(company, files)
        if night == MAPPING_CHANGES_BEFORE:
            company.write("config/sources.yml", mended)
        company.run(night.isoformat())
    at_once = make_company(company=COMPANY, sources=mended)
    for files in reversed(deliveries.files):
        _deliver(at_once, files)
    at_once.run(NIGHTS[-1].isoformat())
    return company, at_once


@pytest.mark.slow
def test_every_night_that_goes_on_is_what_its_manifest_builds_anew(histories):
    company, _ = histories
    for night in NIGHTS[1:]:
        verified = company.tierwise("release", "verify", f"{night}.1")
        assert verified.code == 0, verified.said


@pytest.mark.slow
def test_order_of_arrival_and_a_late_mending_change_no_fact_and_no_value_of_the_last_day(histories):
    by_night, at_once = histories
    # Who was ever named stays known, as a prospect, also where the row that named them was corrected: not compared.
    of_whom = "customer_key in (select customer_key from fct_orders)"
    orders = "select * exclude (known_on, tier_at_order) from fct_orders order by all"
    interactions = f"select * exclude (known_on) from fct_interactions where {of_whom} order by all"
    responses = f"select * exclude (known_on) from fct_survey_responses where {of_whom} order by all"
    values = f"select * exclude (is_month_end) from fct_customer_value where is_latest and {of_whom} order by all"
    for sql in (orders, interactions, responses, values):
        assert by_night.marts(sql) == at_once.marts(sql)
    assert len(by_night.marts(orders)) > 30
    corrected = by_night.marts(
        "select sum(accepted_rows), sum(withdrawn_versions) from ops_deliveries where name like '%reading 2'"
    )
    assert min(corrected[0]) > 0
