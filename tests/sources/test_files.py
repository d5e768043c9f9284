"""Delivered files as raw rows: what is read, what is numbered, what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest

from tierwise.errors import DeliveryRefused
from tierwise.sources import files
from tierwise.sources.description import StreamEntry


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "company.yml").write_text(
        "name: X\ncurrency: GBP\ntime_zone: UTC\nlimits: {max_columns: 5}\n"
    )
    return tmp_path


def entry(**said: object) -> StreamEntry:
    return StreamEntry.model_validate({"from": "in/*.csv", "columns": {"name": "a"}, **said})


def rows(home: Path, name: str, content: bytes, **said: object) -> list[tuple]:
    """Every raw row of a file, its number first."""
    (home / name).write_bytes(content)
    raw = files.read(entry(**said), home / name, home / "work", vouched=True)
    return duckdb.sql(f"from {raw.relation} order by row_number").fetchall()


def refusal(home: Path, name: str, content: bytes, **said: object) -> DeliveryRefused:
    (home / name).write_bytes(content)
    with pytest.raises(DeliveryRefused) as refused:
        files.read(entry(**said), home / name, home / "work")
    return refused.value


def test_a_byte_order_mark_and_blanks_around_a_header_do_no_harm(home):
    assert rows(home, "a.csv", b"\xef\xbb\xbfa, b \n1,2\n") == [(1, "1", "2")]
    raw = files.read(entry(), home / "a.csv", home / "work")
    assert list(raw.columns) == ["a", "b"]


def test_a_quoted_field_may_hold_line_ends_commas_and_quotes(home):
    content = b'a,b\r\n1,"x\ny, ""z"""\r\n2,3\r\n'
    assert rows(home, "a.csv", content) == [(1, "1", 'x\ny, "z"'), (2, "2", "3")]


def test_sql_in_a_text_is_only_text(home):
    assert rows(home, "a.csv", b"a\n'); DROP TABLE orders; --\n") == [(1, "'); DROP TABLE orders; --")]


def test_zeros_before_a_number_and_the_word_null_stay_as_they_are_written(home):
    assert rows(home, "a.csv", b"a,b\n00123,NULL\n") == [(1, "00123", "NULL")]


def test_two_rows_above_the_header_are_skipped_where_the_entry_says_so(home):
    content = "Bericht vom 1. März\n\na,b\n1,2\n".encode()
    assert rows(home, "a.csv", content, csv={"skip_rows": 2}) == [(1, "1", "2")]


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16", "big5"])
def test_a_chinese_file_is_read_in_the_encoding_it_is_declared_in(home, encoding):
    content = "a,b\n北京,1\n".encode(encoding)
    assert rows(home, "a.csv", content, csv={"encoding": encoding}) == [(1, "北京", "1")]


def test_a_packed_file_is_read_like_the_file_in_it(home):
    assert rows(home, "a.csv.gz", gzip.compress(b"a\n1\n"), **{"from": "in/*.csv.gz"}) == [(1, "1")]


def test_a_broken_line_keeps_its_number_and_the_others_keep_theirs(home):
    (home / "a.csv").write_bytes(b"a,b\n1,x\n2\n3,z\n4\n5,v\n")
    raw = files.read(entry(), home / "a.csv", home / "work", vouched=True)
    assert [(b.row_number, b.reason, b.raw) for b in raw.broken] == [(2, "csv_parse", "2"), (4, "csv_parse", "4")]
    assert duckdb.sql(f"select row_number, a from {raw.relation} order by 1").fetchall() == [
        (1, "1"),
        (3, "3"),
        (5, "5"),
    ]
    assert raw.rows + len(raw.broken) == 5


def test_an_id_beyond_two_to_the_53_keeps_its_digits_in_json(home):
    content = b'{"a": 9007199254740993, "b": 4150868000000376008}\n'
    assert rows(home, "a.jsonl", content, **{"from": "in/*.jsonl"}) == [(1, "9007199254740993", "4150868000000376008")]


def test_json_lines_that_are_no_objects_are_named_by_their_number(home):
    content = b'{"a": 1}\n{"a":\n{"a": 1, "a": 2}\n[1]\n{"a": "\xff"}\n{"a": 3}\n'
    (home / "a.jsonl").write_bytes(content)
    raw = files.read(entry(**{"from": "in/*.jsonl"}), home / "a.jsonl", home / "work", vouched=True)
    assert [(b.row_number, b.reason) for b in raw.broken] == [
        (2, "json_parse"),
        (3, "duplicate_key"),
        (4, "json_parse"),
        (5, "encoding"),
    ]
    assert duckdb.sql(f"select row_number, a from {raw.relation} order by 1").fetchall() == [(1, "1"), (6, "3")]


def test_a_select_beside_the_entry_turns_a_wide_file_into_a_long_one(home):
    (home / "config" / "long.sql").write_text(
        "select id, 'q1' as question, q1 as score from delivered union all select id, 'q2', q2 from delivered;\n"
    )
    long = rows(home, "a.csv", b"id,q1,q2\nr1,5,4\nr2,3,2\n", sql_file="long.sql")
    assert sorted(r[1:] for r in long) == [("r1", "q1", "5"), ("r1", "q2", "4"), ("r2", "q1", "3"), ("r2", "q2", "2")]
    assert [r[0] for r in long] == [1, 2, 3, 4]


GOOD_LINES = b"".join(b"%d,x\n" % n for n in range(1000))


@pytest.mark.parametrize(
    ("name", "content", "code", "says"),
    [
        pytest.param("a.csv", b"", "empty", "0 bytes", id="0 bytes"),
        pytest.param("a.csv", b"a,b\n", "empty", "no rows", id="header only"),
        pytest.param("a.csv", b"amount,Amount \n1,2\n", "schema", "two columns called", id="the same header twice"),
        pytest.param(
            "a.csv", b"a,b,c,d,e,f\n1,2,3,4,5,6\n", "too_many_columns", "6 columns", id="more columns than allowed"
        ),
        pytest.param(
            "a.csv", "a,b\n北京,1\n上海,2\n".encode("gbk"), "encoding", "offset 4", id="GBK declared as UTF-8"
        ),
        pytest.param("a.csv", "北,b\n1,1\n".encode("gbk"), "encoding", "offset 0", id="GBK in the header"),
        pytest.param("a.csv", "a,b\n1,1\n".encode("utf-16"), "encoding", "UTF-16", id="UTF-16 declared as UTF-8"),
        pytest.param("a.csv", b"a,b\n1,2\n3\n", "csv_parse", "1 of 2 lines", id="half of the lines broken"),
        pytest.param("a.csv", b"a,b\n" + GOOD_LINES + b"77", "truncated", "row 1,001", id="cut off within a row"),
        pytest.param(
            "a.csv", b"<!DOCTYPE html><html>login</html>", "format", "web page", id="a login page instead of data"
        ),
        pytest.param("a.csv", b"PK\x03\x04rest", "format", "Excel", id="an Excel workbook called csv"),
        pytest.param("a.jsonl", b'[{"a": 1}]', "format", "JSON array", id="one JSON array"),
        pytest.param("a.jsonl", b"<html>", "format", "web page", id="a login page instead of JSON"),
        pytest.param("a.parquet", b"a,b\n1,2\n", "format", "no Parquet", id="CSV called parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(home, name, content, code, says):
    refused = refusal(home, name, content, **{"from": f"in/*{Path(name).suffix}"})
    assert refused.code == code
    assert says in refused.sentence
    assert refused.sentence.startswith(name) or name in refused.sentence
    assert refused.hint


def test_one_broken_line_in_a_thousand_is_no_reason_to_refuse_the_rest(home):
    (home / "a.csv").write_bytes(b"a,b\n" + GOOD_LINES + b"7\n8,9\n")
    raw = files.read(entry(), home / "a.csv", home / "work")
    assert [(b.row_number, b.reason) for b in raw.broken] == [(1001, "csv_parse")]


def test_half_a_parquet_file_is_truncated(home):
    duckdb.sql("select range as a from range(100000)").write_parquet(str(home / "whole.parquet"))
    whole = (home / "whole.parquet").read_bytes()
    refused = refusal(home, "a.parquet", whole[: len(whole) // 2], **{"from": "in/*.parquet"})
    assert refused.code == "truncated"


def test_a_field_of_ten_megabytes_stays_outside_and_the_other_rows_come_in(home):
    (home / "a.csv").write_bytes(b"a,b\n" + GOOD_LINES + b"1," + b"x" * 10_000_000 + b"\n2,y\n")
    raw = files.read(entry(), home / "a.csv", home / "work")
    assert [(b.row_number, b.reason) for b in raw.broken] == [(1001, "field_too_long")]
    assert raw.rows == 1001


def test_hidden_and_unfinished_files_are_no_deliveries(home):
    (home / "in").mkdir()
    for name in ("b.csv", "a.csv", ".c.csv", "d.csv.part"):
        (home / "in" / name).write_bytes(b"a\n1\n")
    assert [p.name for p in files.listing(entry(**{"from": "in/*", "format": "csv"}))] == ["a.csv", "b.csv"]
