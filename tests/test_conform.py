"""Deliveries made canonical: each disaster in the words of the reason it is answered with.

Every input is written by hand, one row each; what comes in and what stays outside is compared with what the list of
broken inputs promises.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tierwise import conform, control, landing
from tierwise.settings import settings

ORDERS = {
    "order_id": "no", "line_id": "line", "customer_id": "customer", "ordered_at": "at", "amount": "amount",
    "currency": "currency", "kind": "kind",
}  # fmt: skip
ORDER = {
    "no": "A1",
    "line": "1",
    "customer": "7",
    "at": "2026-01-02 10:00",
    "amount": "9.50",
    "currency": "GBP",
    "kind": "sale",
}
INTERACTIONS = {"interaction_id": "id", "customer_id": "customer", "occurred_at": "at", "kind": "kind"}
INTERACTION = {"id": "I1", "customer": "7", "at": "2026-01-02T10:00:00Z", "kind": "call"}
ANSWERS = {
    "response_id": "id", "question_id": "question", "customer_id": "customer", "instrument": {"value": "nps"}, "score": "score",
    "scale_min": {"value": 0}, "scale_max": {"value": 10}, "answered_at": "at",
}  # fmt: skip
ANSWER = {"id": "R1", "question": "q", "customer": "7", "score": "9", "at": "2026-01-02"}


@dataclass
class Answer:
    """What became of a delivery."""

    delivered: int
    left_out: int
    warnings: list[str]
    refused: dict[str, str] | None
    rows: list[dict[str, object]]  # timestamps as text, in UTC
    outside: list[tuple[int, str, str | None, str | None]]

    @property
    def reasons(self) -> list[tuple[int, str, str | None]]:
        return [(number, reason, column) for number, reason, column, _ in self.outside]

    @property
    def only(self) -> dict[str, object]:
        assert self.outside == []
        assert self.refused is None
        [row] = self.rows
        return row


class Shop:
    """One source in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "config").mkdir()
        (home / "in").mkdir()
        (home / "config" / "company.yml").write_text("name: X\ncurrency: GBP\ntime_zone: Europe/London\n")

    def deliver(
        self, content: bytes, stream: str, columns: dict, name: str = "a.csv", zone: str = "UTC", **said
    ) -> Answer:
        """Describe the stream, put the file in its place, land and conform it."""
        (self.home / "in" / name).write_bytes(content)
        entry = {"from": f"in/{name}", "columns": columns, **said}
        source = {"name": "shop", "required": False, "kind": "files", "time_zone": zone, "streams": {stream: entry}}
        (self.home / "config" / "sources.yml").write_text(json.dumps([source], ensure_ascii=False))
        control.begin_run("night", "night", [date(2026, 1, 3)], None, control.pointer().counter)
        [delivery_id] = landing.land("night", "shop", stream)
        readable = conform.conform("night")
        target = settings().work / "night" / "conformed" / delivery_id
        facts = json.loads(target.with_suffix(".json").read_text())
        assert (facts["refused"] is None) == (readable == [delivery_id])
        if facts["refused"] is not None:
            assert control.delivery(delivery_id).refusal_code == facts["refused"]["code"]
            return Answer(0, 0, [], facts["refused"], [], [])
        told = duckdb.sql(f"from read_parquet('{target.with_suffix('.parquet')}') order by row_number")
        rows = [dict(zip(told.columns, map(_shown, row), strict=True)) for row in told.fetchall()]
        outside = duckdb.sql(
            f"select row_number, reason_code, column_name, raw_value from read_parquet('{target.with_suffix('.rejected.parquet')}') order by all"
        ).fetchall()
        return Answer(facts["delivered_rows"], facts["left_out_rows"], facts["warnings"], None, rows, outside)

    def orders(self, *changes: dict, mapping: dict | None = None, **said) -> Answer:
        """Deliver order lines that are good but for the changes."""
        return self.deliver(csv([ORDER | c for c in changes]), "orders", ORDERS | (mapping or {}), **said)

    def interactions(self, *changes: dict, mapping: dict | None = None, **said) -> Answer:
        return self.deliver(
            csv([INTERACTION | c for c in changes]), "interactions", INTERACTIONS | (mapping or {}), **said
        )

    def answers(self, *changes: dict, mapping: dict | None = None, **said) -> Answer:
        return self.deliver(csv([ANSWER | c for c in changes]), "survey_responses", ANSWERS | (mapping or {}), **said)

    def parquet(self, select: str, mapping: dict | None = None, **said) -> Answer:
        """Deliver one order line with the columns that `select` gives instead of the good ones."""
        good = ", ".join(f"'{v}' as {k}" for k, v in ORDER.items() if f" as {k}" not in select)
        path = self.home / "made.parquet"
        duckdb.sql(f"select {good}, {select}").write_parquet(str(path))
        return self.deliver(path.read_bytes(), "orders", ORDERS | (mapping or {}), name="a.parquet", **said)


def _shown(value: object) -> object:
    return str(value) if isinstance(value, datetime) else value


def csv(rows: list[dict]) -> bytes:
    quoted = [",".join('"' + str(v).replace('"', '""') + '"' for v in row.values()) for row in rows]
    return "\n".join([",".join(rows[0]), *quoted, ""]).encode()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    monkeypatch.delenv("TIERWISE_CONTROL_URL", raising=False)
    return Shop(tmp_path)


def test_a_good_line_becomes_canonical(shop):
    row = shop.orders({}).only
    assert row["order_id"] == "A1"
    assert row["amount"] == Decimal("9.5000")
    assert row["ordered_at"] == "2026-01-02 10:00:00"
    assert row["left_out_because"] is None
    assert row["claimed_on"] is None
    assert row["status"] is None


# --- rows that stay outside -----------------------------------------------------------------------------------------


BROKEN_LINES = [
    pytest.param({"amount": "1,234.50"}, "amount_format", "amount", id="thousands that nobody declared"),
    pytest.param({"amount": "1.234,50"}, "amount_format", "amount", id="decimal comma in a feed with points"),
    pytest.param({"amount": "NaN"}, "amount_not_finite", "amount", id="nan"),
    pytest.param({"amount": "inf"}, "amount_not_finite", "amount", id="infinite"),
    pytest.param({"amount": "-inf"}, "amount_not_finite", "amount", id="minus infinite"),
    pytest.param({"amount": "1e400"}, "amount_not_finite", "amount", id="larger than any number"),
    pytest.param({"amount": "99999999999999999"}, "amount_out_of_range", "amount", id="more digits than money has"),
    pytest.param({"amount": "1.23456"}, "amount_scale", "amount", id="five decimals"),
    pytest.param({"amount": "1.000000000001"}, "amount_scale", "amount", id="a trillionth"),
    pytest.param({"amount": "ten"}, "amount_format", "amount", id="a word for a number"),
    pytest.param({"amount": "=1+1"}, "amount_format", "amount", id="a formula for a number"),
    pytest.param({"amount": ""}, "required_missing", "amount", id="no amount"),
    pytest.param({"amount": "RMB 123"}, "amount_format", "amount", id="the mark of another currency"),
    pytest.param({"amount": "￥123.45"}, "amount_format", "amount", id="a yen sign on pounds"),
    pytest.param({"currency": "XXX"}, "currency_unknown", "currency", id="currency XXX"),
    pytest.param({"currency": ""}, "currency_unknown", "currency", id="no currency"),
    pytest.param({"currency": "pounds"}, "currency_unknown", "currency", id="a currency in words"),
    pytest.param({"kind": "待付款"}, "status_unknown", "kind", id="a status nobody mapped"),
    pytest.param({"kind": ""}, "required_missing", "kind", id="no kind"),
    pytest.param({"at": "2026-13-45"}, "date_invalid", "ordered_at", id="the 45th of the 13th month"),
    pytest.param({"at": "0000-00-00"}, "date_invalid", "ordered_at", id="MySQL's no date"),
    pytest.param({"at": "1899-12-30"}, "date_invalid", "ordered_at", id="Excel's day zero"),
    pytest.param({"at": "45985"}, "date_invalid", "ordered_at", id="an Excel serial that nobody declared"),
    pytest.param({"at": "2026-02-29 10:00"}, "date_invalid", "ordered_at", id="29 February of a common year"),
    pytest.param({"at": "2026-01-02 25:00"}, "date_invalid", "ordered_at", id="25 o'clock"),
    pytest.param({"at": ""}, "required_missing", "ordered_at", id="no date"),
    pytest.param({"customer": ""}, "customer_missing", "customer_id", id="customer empty"),
    pytest.param({"customer": "NULL"}, "customer_missing", "customer_id", id="customer NULL"),
    pytest.param({"customer": "None"}, "customer_missing", "customer_id", id="customer None"),
    pytest.param({"customer": "0"}, "customer_missing", "customer_id", id="customer 0"),
    pytest.param({"customer": "-"}, "customer_missing", "customer_id", id="customer dash"),
    pytest.param({"customer": " \u200b"}, "customer_missing", "customer_id", id="customer invisible"),
    pytest.param({"customer": "123.0"}, "id_float", "customer_id", id="customer 123.0"),
    pytest.param({"customer": "1.23457E+17"}, "id_scientific", "customer_id", id="an id that went through Excel"),
    pytest.param({"customer": "1E+17"}, "id_scientific", "customer_id", id="a round id that went through Excel"),
    pytest.param({"no": ""}, "id_missing", "order_id", id="no order id"),
    pytest.param({"no": "A\x001"}, "control_char", "order_id", id="a NUL in an id"),
]


@pytest.fixture(scope="module")
def broken_lines(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """All broken lines in one delivery, each between two good ones."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("broken")
        patch.setenv("TIERWISE_HOME", str(home))
        patch.delenv("TIERWISE_CONTROL_URL", raising=False)
        changes = [change for line in BROKEN_LINES for change in ({}, line.values[0])]
        return Shop(home).orders(*changes, {})


@pytest.mark.parametrize(("change", "reason", "column"), BROKEN_LINES)
def test_a_broken_order_line_stays_outside_with_its_reason(broken_lines, change, reason, column):
    place = [line.values[0] for line in BROKEN_LINES].index(change)
    assert [(r, c) for number, r, c in broken_lines.reasons if number == 2 * place + 2] == [(reason, column)]


def test_no_good_line_stays_outside_because_of_its_neighbours(broken_lines):
    assert [r["row_number"] for r in broken_lines.rows] == list(range(1, 2 * len(BROKEN_LINES) + 2, 2))
    assert broken_lines.delivered == 2 * len(BROKEN_LINES) + 1


def test_what_stays_outside_shows_what_was_delivered(shop):
    answer = shop.orders({"amount": "1,234.50"})
    assert answer.outside == [(1, "amount_format", "amount", "1,234.50")]


def test_a_row_with_two_faults_tells_both(shop):
    answer = shop.orders({"amount": "x", "customer": ""})
    assert answer.reasons == [(1, "amount_format", "amount"), (1, "customer_missing", "customer_id")]


@pytest.mark.parametrize(
    ("change", "mapping", "reason"),
    [
        pytest.param({"kind": "emial_open"}, {}, "type_unknown", id="a kind that is none"),
        pytest.param({"id": ""}, {}, "id_missing", id="event without an id"),
        pytest.param({"seconds": "NaN"}, {"duration_seconds": "seconds"}, "duration_range", id="an endless call"),
        pytest.param({"seconds": "five"}, {"duration_seconds": "seconds"}, "number_format", id="a call of five"),
        pytest.param({"at": "-1"}, {"occurred_at": {"from": "at", "format": "epoch_s"}}, "date_invalid", id="before the epoch"),
        pytest.param({"at": "0"}, {"occurred_at": {"from": "at", "format": "epoch_s"}}, "date_invalid", id="epoch 0"),
        pytest.param({"at": "1767348000000"}, {"occurred_at": {"from": "at", "format": "epoch_s"}}, "epoch_unit", id="ms where s was declared"),
        pytest.param({"at": "1767348000"}, {"occurred_at": {"from": "at", "format": "epoch_ms"}}, "epoch_unit", id="s where ms was declared"),
        pytest.param({"why": "a\x00b"}, {"text": "why"}, "control_char", id="a NUL in a text"),
        pytest.param({"why": "x" * 100_001}, {"text": "why"}, "field_too_long", id="a text beyond the limit"),
        pytest.param({"way": "sideways"}, {"direction": "way"}, "type_unknown", id="a direction that is none"),
    ],
)  # fmt: skip
def test_a_broken_interaction_stays_outside_with_its_reason(shop, change, mapping, reason):
    answer = shop.interactions(change, mapping=mapping)
    assert [r for _, r, _ in answer.reasons] == [reason]


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        pytest.param("十", "number_format", id="a Chinese ten that nobody declared"),
        pytest.param("85%", "number_format", id="a percentage that nobody declared"),
        pytest.param("Blank", "number_format", id="a blank code that nobody declared"),
        pytest.param("NaN", "score_range", id="nan"),
    ],
)
def test_a_broken_answer_stays_outside_with_its_reason(shop, score, reason):
    assert shop.answers({"score": score}).reasons == [(1, reason, "score")]


# --- what is normalised -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "mapping", "column", "value"),
    [
        pytest.param({"amount": "1,234.50"}, {"amount": {"from": "amount", "thousands": ","}}, "amount", Decimal("1234.50"), id="declared thousands"),
        pytest.param({"amount": "1.234,50"}, {"amount": {"from": "amount", "thousands": ".", "decimal": ","}}, "amount", Decimal("1234.50"), id="declared continental notation"),
        pytest.param({"amount": "１２３．４５"}, {}, "amount", Decimal("123.45"), id="full-width digits"),
        pytest.param({"amount": "£123.45"}, {}, "amount", Decimal("123.45"), id="the mark of the row's own currency"),
        pytest.param({"amount": "GBP 123"}, {}, "amount", Decimal(123), id="the code of the row's own currency"),
        pytest.param({"amount": " 12.00 "}, {}, "amount", Decimal(12), id="blanks around an amount"),
        pytest.param({"amount": "-3.10"}, {}, "amount", Decimal("-3.10"), id="a sign is for the door to judge"),
        pytest.param({"amount": "12.34000000"}, {}, "amount", Decimal("12.34"), id="zeros behind the decimals"),
        pytest.param({"currency": "gbp"}, {}, "currency", "GBP", id="small letters"),
        pytest.param({"kind": " Sale"}, {}, "kind", "sale", id="blanks and capitals in a code"),
        pytest.param({"kind": "退款"}, {"kind": {"from": "kind", "codes": {"退款": "refund"}}}, "kind", "refund", id="a mapped status"),
        pytest.param({"customer": " 00123"}, {}, "customer_id", "00123", id="zeros before an id stay"),
        pytest.param({"customer": "Ａ１"}, {}, "customer_id", "A1", id="full-width id"),
        pytest.param({"customer": "a1\u200b"}, {}, "customer_id", "a1", id="zero-width id"),
        pytest.param({"customer": "17850.0"}, {"customer_id": {"from": "customer", "drop_decimal_point": True}}, "customer_id", "17850", id="a declared decimal point"),
        pytest.param({"at": "2026-01-02"}, {}, "ordered_at", "2026-01-02 00:00:00", id="a day is its midnight"),
        pytest.param({"at": "2026-01-02T10:00:00+08:00"}, {}, "ordered_at", "2026-01-02 02:00:00", id="an offset of its own"),
        pytest.param({"at": "2026-01-02 10:00+08"}, {}, "ordered_at", "2026-01-02 02:00:00", id="a short offset"),
        pytest.param({"at": "03/04/2026"}, {"ordered_at": {"from": "at", "format": "%d/%m/%Y"}}, "ordered_at", "2026-04-03 00:00:00", id="declared day first"),
        pytest.param({"at": "03/04/2026"}, {"ordered_at": {"from": "at", "format": "%m/%d/%Y"}}, "ordered_at", "2026-03-04 00:00:00", id="declared month first"),
        pytest.param({"at": "2026年1月2日"}, {"ordered_at": {"from": "at", "format": "%Y年%m月%d日"}}, "ordered_at", "2026-01-02 00:00:00", id="a Chinese date"),
        pytest.param({"at": "46024.5"}, {"ordered_at": {"from": "at", "format": "excel_serial"}}, "ordered_at", "2026-01-02 12:00:00", id="a declared Excel serial"),
        pytest.param({"at": "1767348000"}, {"ordered_at": {"from": "at", "format": "epoch_s"}}, "ordered_at", "2026-01-02 10:00:00", id="declared seconds"),
        pytest.param({"at": "1767348000000"}, {"ordered_at": {"from": "at", "format": "epoch_ms"}}, "ordered_at", "2026-01-02 10:00:00", id="declared milliseconds"),
        pytest.param({"more": "=HYPERLINK(\"http://x\")"}, {"status": "more"}, "status", "=HYPERLINK(\"http://x\")", id="a formula in a text stays text"),
        pytest.param({"more": "'); DROP TABLE orders"}, {"status": "more"}, "status", "'); DROP TABLE orders", id="SQL in a text stays text"),
        pytest.param({"more": "𠮷\U0001f600\u202e"}, {"status": "more"}, "status", "𠮷\U0001f600\u202e", id="rare letters stay"),
    ],
)  # fmt: skip
def test_what_can_be_read_without_guessing_is_read(shop, change, mapping, column, value):
    assert shop.orders(change, mapping=mapping).only[column] == value


@pytest.mark.parametrize("written", ["RMB 123", "￥123", "CNY123", "123元", "¥ 123.00"])
def test_yuan_are_yuan_however_they_are_marked(shop, written):
    company = shop.home / "config" / "company.yml"
    company.write_text(company.read_text().replace("GBP", "CNY"))
    row = shop.orders({"amount": written, "currency": "RMB"}).only
    assert (row["amount"], row["currency"]) == (Decimal(123), "CNY")


@pytest.mark.parametrize(
    ("written", "value"),
    [("yes", True), ("Y", True), ("1", True), ("是", True), ("TRUE ", True), ("否", False), ("no", False), ("", None)],
)
def test_a_yes_is_a_yes_in_every_spelling_of_the_table(shop, written, value):
    row = shop.answers({"overall": written}, mapping={"is_overall": "overall"}).only
    assert row["is_overall"] is value


def test_a_maybe_is_neither(shop):
    answer = shop.answers({"overall": "maybe"}, mapping={"is_overall": "overall"})
    assert answer.reasons == [(1, "boolean_format", "is_overall")]


@pytest.mark.parametrize(
    ("written", "score"),
    [
        pytest.param("11", None, id="a declared blank is no promoter"),
        pytest.param("Blank", None, id="a declared word for blank"),
        pytest.param("", None, id="nothing is nothing"),
        pytest.param("0", Decimal(0), id="a zero is an answer"),
        pytest.param("10 ", Decimal(10), id="blanks around ten"),
        pytest.param("4.0", Decimal(4), id="a decimal for a whole number"),
    ],
)
def test_only_what_a_source_declares_as_blank_is_blank(shop, written, score):
    row = shop.answers({"score": written}, mapping={"score": {"from": "score", "blank": [11, "Blank"]}}).only
    assert row["score"] == score


@pytest.mark.parametrize(
    ("written", "option", "score"),
    [("85%", {"percent": True}, Decimal(85)), ("十", {"codes": {"十": 10}}, Decimal(10))],
)
def test_a_declared_notation_of_scores_is_read(shop, written, option, score):
    assert shop.answers({"score": written}, mapping={"score": {"from": "score", **option}}).only["score"] == score


def test_ids_that_only_look_different_are_counted(shop):
    answer = shop.orders({"customer": "Ａ１"}, {"customer": "a1\u200b"}, {"customer": "a1"})
    assert answer.warnings == ["Ids with outer blanks, other widths or invisible letters, tidied: 2."]


def test_a_channel_outside_the_code_map_stays_as_it_is(shop):
    answer = shop.interactions(
        {"way": "微信"},
        {"way": "fax"},
        mapping={"channel": {"from": "way", "codes": {"微信": "wechat", "wx": "wechat"}}},
    )
    assert [r["channel"] for r in answer.rows] == ["wechat", "fax"]


# --- clocks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "written", "utc"),
    [
        pytest.param("Asia/Shanghai", "2026-11-22 23:30", "2026-11-22 15:30:00", id="a naive time in Shanghai"),
        pytest.param("Europe/London", "2026-07-01 00:30", "2026-06-30 23:30:00", id="a naive time in summer"),
        pytest.param("Asia/Shanghai", "2026-11-22T23:30:00Z", "2026-11-22 23:30:00", id="a time with its own zone"),
        pytest.param("Asia/Shanghai", "2026-11-22", "2026-11-21 16:00:00", id="a day begins where it is lived"),
    ],
)
def test_a_time_without_a_zone_is_a_time_of_its_source(shop, zone, written, utc):
    assert shop.orders({"at": written}, zone=zone).only["ordered_at"] == utc


@pytest.mark.parametrize("written", ["2026-03-29 02:30", "2026-10-25 02:30"], ids=["skipped", "doubled"])
def test_an_hour_that_summer_time_skips_or_doubles_comes_in_by_rule_and_is_told(shop, written):
    answer = shop.orders({"at": written}, {}, zone="Europe/Berlin")
    assert answer.rows[0]["ordered_at"] in ("2026-03-29 01:30:00", "2026-10-25 01:30:00")
    assert len(answer.warnings) == 1
    assert "Europe/Berlin changed its clocks: 1." in answer.warnings[0]


def test_a_day_that_may_be_march_or_april_is_nobodys_guess(shop):
    refused = shop.orders({"at": "03/04/2026"}).refused
    assert refused is not None
    assert refused["code"] == "format"
    assert "config/sources.yml:1: `03/04/2026` in ordered_at may be day first or month first." in refused["sentence"]
    assert "%d/%m/%Y" in refused["sentence"]


def test_a_row_says_itself_when_it_became_known(shop):
    answer = shop.orders({"at": "2026-01-02 23:30"}, zone="Asia/Shanghai", known_on={"column": "at"})
    assert answer.only["claimed_on"] == date(2026, 1, 2)


def test_an_instant_became_known_on_the_day_of_its_source(shop):
    answer = shop.orders({"at": "2026-01-02T23:30:00Z"}, zone="Asia/Shanghai", known_on={"column": "at"})
    assert answer.only["claimed_on"] == date(2026, 1, 3)


def test_a_row_whose_day_cannot_be_read_is_never_silently_of_today(shop):
    answer = shop.orders({"seen": "2026-13-45"}, {"seen": "2026-01-01"}, known_on={"column": "seen"})
    assert answer.reasons == [(1, "date_invalid", "known_on")]
    assert [r["claimed_on"] for r in answer.rows] == [date(2026, 1, 1)]


def test_the_day_a_row_became_known_is_written_like_the_column_it_stands_in(shop):
    answer = shop.orders(
        {"at": "03/04/2026"}, mapping={"ordered_at": {"from": "at", "format": "%d/%m/%Y"}}, known_on={"column": "at"}
    )
    assert answer.only["claimed_on"] == date(2026, 4, 3)


def test_a_file_says_for_all_its_rows_when_they_became_known(shop):
    answer = shop.orders({}, name="orders_2026-01-01.csv", known_on={"from_name": "orders_%Y-%m-%d"})
    assert answer.only["claimed_on"] == date(2026, 1, 1)


# --- leaving out, and lines without ids ---------------------------------------------------------------------------------


def test_what_a_source_leaves_out_is_left_out_before_anything_is_judged(shop):
    answer = shop.orders(
        {"amount": "garbage", "customer": ""},
        {},
        leave_out=[{"sql": "customer is null or customer = ''", "because": "sold over the counter"}],
    )
    assert answer.outside == []
    assert [r["left_out_because"] for r in answer.rows] == ["sold over the counter", None]
    assert answer.rows[0]["amount"] is None
    assert (answer.delivered, answer.left_out) == (2, 1)


def test_a_line_without_an_id_is_named_by_its_place_among_the_lines_that_stay(shop):
    answer = shop.orders(
        {"no": "A1"}, {"no": "A1", "customer": "postage"}, {"no": "B1"}, {"no": "A1"},
        mapping={"line_id": "position_in_order"},
        replaces="order",
        leave_out=[{"sql": "customer = 'postage'", "because": "not merchandise"}],
    )  # fmt: skip
    kept = [(r["order_id"], r["line_id"]) for r in answer.rows if r["left_out_because"] is None]
    assert kept == [("A1", "1"), ("B1", "1"), ("A1", "2")]


def test_every_delivered_row_is_in_exactly_one_place(shop):
    lines = csv([ORDER | {"no": f"A{n}"} for n in range(400)]).replace(b'"A7"', b'"A7","one too many"')
    lines = lines.replace(b'"A9","1","7"', b'"A9","1",""').replace(b'"A11","1","7"', b'"A11","1","postage"')
    answer = shop.deliver(
        lines, "orders", ORDERS, leave_out=[{"sql": "customer = 'postage'", "because": "not merchandise"}]
    )
    outside = {number for number, *_ in answer.outside}
    inside = {r["row_number"] for r in answer.rows}
    assert answer.reasons == [(8, "csv_parse", None), (10, "customer_missing", "customer_id")]
    assert inside & outside == set()
    assert inside | outside == set(range(1, 401))
    assert (answer.delivered, answer.left_out) == (400, 1)


# --- money ----------------------------------------------------------------------------------------------------------


def test_binary_money_is_refused_where_nobody_declared_it(shop):
    refused = shop.parquet("9.5::double as amount").refused
    assert refused is not None
    assert refused["code"] == "lossy_money"
    assert "from_binary: true" in refused["sentence"]


@pytest.mark.parametrize(
    ("written", "money"),
    [
        ("9.95", Decimal("9.95")),
        ("0.1 + 0.2", Decimal("0.3")),
        ("3 * 2.55", Decimal("7.65")),
        ("0.001", Decimal("0.001")),
    ],
)
def test_declared_binary_money_is_the_decimal_it_stands_for(shop, written, money):
    select = f"({written.replace('0.1 + 0.2', '0.1::double + 0.2::double')})::double as amount"
    assert shop.parquet(select, {"amount": {"from": "amount", "from_binary": True}}).only["amount"] == money


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        pytest.param("1::double / 3", "lossy_money", id="a third"),
        pytest.param("'nan'::double", "amount_not_finite", id="nan"),
        pytest.param("'inf'::double", "amount_not_finite", id="infinite"),
        pytest.param("1e20::double", "amount_out_of_range", id="more digits than money has"),
    ],
)
def test_declared_binary_money_that_is_no_decimal_stays_outside(shop, written, reason):
    answer = shop.parquet(f"{written} as amount", {"amount": {"from": "amount", "from_binary": True}})
    assert answer.reasons == [(1, reason, "amount")]


def test_a_decimal_of_six_places_is_taken_where_four_hold_it(shop):
    assert shop.parquet("1.230000::decimal(18, 6) as amount").only["amount"] == Decimal("1.23")


def test_a_decimal_that_needs_six_places_stays_outside(shop):
    assert shop.parquet("1.234567::decimal(18, 6) as amount").reasons == [(1, "amount_scale", "amount")]


def test_an_expression_over_a_text_file_computes_exactly(shop):
    answer = shop.orders(
        {"amount": "0.1", "quantity": "3"}, mapping={"amount": {"sql": "amount * quantity", "type": "money"}}
    )
    assert answer.only["amount"] == Decimal("0.3")


def test_an_expression_over_a_text_that_is_no_number_shows_what_it_was_given(shop):
    answer = shop.orders({"amount": "0.1", "quantity": "three"}, mapping={"amount": {"sql": "amount * quantity"}})
    assert answer.outside == [(1, "amount_format", "amount", "amount=0.1, quantity=three")]


def test_an_id_that_arrives_as_a_double_is_no_id(shop):
    assert shop.parquet("17850::double as customer").reasons == [(1, "id_float", "customer_id")]


def test_an_id_that_arrives_as_a_whole_number_keeps_its_digits(shop):
    assert shop.parquet("9007199254740993::bigint as customer").only["customer_id"] == "9007199254740993"


def test_an_instant_of_a_parquet_file_needs_no_zone(shop):
    answer = shop.parquet("timestamptz '2026-01-02 10:00:00+08' as at", zone="America/New_York")
    assert answer.only["ordered_at"] == "2026-01-02 02:00:00"


# --- JSON -----------------------------------------------------------------------------------------------------------


def test_json_lines_keep_the_digits_of_ids_and_of_money(shop):
    content = json.dumps(INTERACTION | {"id": 9007199254740993}).encode() + b"\n"
    row = shop.deliver(content, "interactions", INTERACTIONS, name="a.jsonl").only
    assert row["interaction_id"] == "9007199254740993"


def test_a_broken_json_line_stays_outside_with_its_number(shop):
    good = [json.dumps(INTERACTION | {"id": f"I{n}"}).encode() for n in range(300)]
    good[4] = b'{"id": "I4", '
    good[6] = b'{"id": "I6", "id": "I7", "customer": "7", "at": "2026-01-02", "kind": "call"}'
    answer = shop.deliver(b"\n".join(good) + b"\n", "interactions", INTERACTIONS, name="a.jsonl")
    assert answer.reasons == [(5, "json_parse", None), (7, "duplicate_key", None)]
    assert len(answer.rows) == 298


# --- deliveries that are refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        pytest.param({"amount": "amonut"}, "no column `amonut`; did you mean `amount`?", id="a renamed column"),
        pytest.param({"amount": {"sql": "amonut * 2"}}, "no column `amonut`; did you mean `amount`?", id="a renamed column in an expression"),
        pytest.param({"amount": {"sql": "date_diff('day', amount, amount)"}}, "does not run over this delivery", id="an expression that does not fit"),
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_the_delivery_is_answered_with_its_line(shop, mapping, says):
    refused = shop.orders({}, mapping=mapping).refused
    assert refused is not None
    assert refused["code"] == "schema"
    assert refused["sentence"].startswith("config/sources.yml:1: ")
    assert says in refused["sentence"]
    assert "amount" in refused["sentence"].split("its columns are")[1]


def test_a_dropped_column_refuses_the_delivery(shop):
    rows = [{k: v for k, v in INTERACTION.items() if k != "customer"}]
    refused = shop.deliver(csv(rows), "interactions", INTERACTIONS).refused
    assert refused is not None
    assert refused["code"] == "schema"


def test_a_header_with_blanks_in_another_order_and_case_is_the_same_header(shop):
    turned = dict(reversed([(f" {k.upper()} ", v) for k, v in ORDER.items()]))
    assert shop.deliver(csv([turned]), "orders", ORDERS).only["amount"] == Decimal("9.50")


def test_a_new_column_that_nobody_maps_changes_nothing(shop):
    assert shop.orders({"type_v2": "x"}).only["order_id"] == "A1"


def test_a_refused_delivery_does_not_stop_the_others(shop):
    (shop.home / "in" / "b.csv").write_bytes(b"")
    shop.orders({}, name="a.csv")
    sources = shop.home / "config" / "sources.yml"
    sources.write_text(sources.read_text().replace("in/a.csv", "in/*.csv"))
    [empty] = landing.land("night", "shop", "orders")
    assert len(conform.conform("night")) == 1
    assert control.delivery(empty).refusal_code == "empty"


def test_conforming_again_gives_the_same_bytes(shop):
    shop.orders({}, {"amount": "x"})
    folder = settings().work / "night" / "conformed"
    first = {p.name: p.read_bytes() for p in folder.iterdir()}
    conform.conform("night")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == first


# --- the demo -------------------------------------------------------------------------------------------------------


def test_the_wholesalers_year_comes_in_whole(tmp_path, monkeypatch):
    """The published counts of the data set: 541,909 lines, 135,080 without a customer, 9,747,747.93 in all."""
    project = settings().project
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    (tmp_path / "config").symlink_to(project / "config")
    (tmp_path / "sample_data").mkdir()
    (tmp_path / "sample_data" / "orders").mkdir()
    delivered = tmp_path / "sample_data" / "orders" / "online_retail.parquet"
    delivered.write_bytes((project / "sample_data" / "orders" / "online_retail.parquet").read_bytes())
    control.begin_run("night", "night", [date(2011, 12, 9)], None, control.pointer().counter)
    [delivery_id] = landing.land("night", "online_retail", "orders")
    assert conform.conform("night") == [delivery_id]
    target = settings().work / "night" / "conformed" / delivery_id
    total, without, customers = duckdb.sql(
        f"""select count(*), count_if(left_out_because = 'sold over the counter, no customer'), sum(amount)
        from read_parquet('{target.with_suffix(".parquet")}')"""
    ).fetchall()[0]
    posted = duckdb.sql(
        f"""select count(*) from read_parquet('{delivered}') where CustomerID is null
        and StockCode in ('POST', 'DOT', 'C2', 'M', 'm', 'S', 'B', 'BANK CHARGES', 'AMAZONFEE', 'CRUK')"""
    ).fetchall()[0][0]
    assert total == 541_909
    assert without == 135_080 - posted
    assert round(customers, 2) == Decimal("9747747.93")
