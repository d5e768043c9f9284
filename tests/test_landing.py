"""What arrives is kept byte for byte, once, and recorded."""

from __future__ import annotations

import gzip
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from tierwise import control, landing
from tierwise.errors import DeliveryRefused
from tierwise.settings import settings

SOURCES = """\
- name: shop
  required: {required}
  kind: files
  time_zone: Europe/London
  streams:
    products:
      from: in/*.csv*
      format: csv
      columns: {{product_id: id}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    monkeypatch.delenv("TIERWISE_CONTROL_URL", raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "config" / "company.yml").write_text(
        "name: X\ncurrency: GBP\ntime_zone: UTC\nlimits: {archive_bytes: 1000000}\n"
    )
    describe(tmp_path)
    control.begin_run("night", "night", [date(2026, 1, 2)], None, control.pointer().counter)
    return tmp_path


def describe(home: Path, *, required: bool = True, more: str = "") -> None:
    text = SOURCES.format(required=str(required).lower())
    (home / "config" / "sources.yml").write_text(text + more)


def land() -> list[str]:
    return landing.land("night", "shop", "products")


def test_a_file_is_kept_byte_for_byte(home):
    content = b"\xef\xbb\xbfid\r\n1\r\n\xff"
    (home / "in" / "a.csv").write_bytes(content)
    [delivery_id] = land()
    delivery = control.delivery(delivery_id)
    assert (settings().var / delivery.path).read_bytes() == content
    assert (delivery.status, delivery.name, delivery.claimed_on) == ("landed", "a.csv", None)
    assert Path(delivery.path) == Path("lake/landing/shop/products") / delivery_id / "a.csv"


def test_the_same_name_with_the_same_content_is_no_new_delivery(home):
    (home / "in" / "a.csv").write_bytes(b"id\n1\n")
    assert len(land()) == 1
    (home / "in" / "a.csv").write_bytes(b"id\n1\n")
    assert land() == []


def test_a_changed_file_and_a_renamed_one_are_new_deliveries(home):
    (home / "in" / "a.csv").write_bytes(b"id\n1\n")
    first = land()
    (home / "in" / "b.csv").write_bytes(b"id\n1\n")
    renamed = land()
    (home / "in" / "a.csv").write_bytes(b"id\n2\n")
    changed = land()
    assert len({*first, *renamed, *changed}) == 3


def test_a_required_source_that_never_delivered_is_missing(home):
    with pytest.raises(DeliveryRefused, match=r"nothing matches `in/\*\.csv\*`") as refused:
        land()
    assert (refused.value.code, refused.value.exit_code) == ("missing", 3)


def test_a_required_source_with_nothing_new_is_not_missing(home):
    (home / "in" / "a.csv").write_bytes(b"id\n1\n")
    land()
    (home / "in" / "a.csv").unlink()
    assert land() == []


def test_an_optional_source_may_deliver_nothing(home):
    describe(home, required=False)
    assert land() == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(gzip.compress(b"id\n" + b"1\n" * 5000)[:-20], "truncated", id="cut off archive"),
        pytest.param(gzip.compress(b"id\n1\n")[:-8] + b"\0" * 8, "truncated", id="wrong checksum"),
        pytest.param(b"no archive at all", "truncated", id="no archive"),
        pytest.param(gzip.compress(b"0" * 50_000_000), "archive_limit", id="50 kB that unpack to 50 MB"),
    ],
)
def test_a_damaged_archive_lands_and_is_refused(home, content, code):
    (home / "in" / "a.csv.gz").write_bytes(content)
    [delivery_id] = land()
    delivery = control.delivery(delivery_id)
    assert (delivery.status, delivery.refusal_code) == ("refused", code)
    assert (settings().var / delivery.path).read_bytes() == content


def test_an_archive_of_two_members_is_whole(home):
    (home / "in" / "a.csv.gz").write_bytes(gzip.compress(b"id\n1\n") + gzip.compress(b"2\n"))
    [delivery_id] = land()
    assert control.delivery(delivery_id).status == "landed"


def test_a_name_gives_its_day_and_one_without_is_refused(home):
    describe(home, more='      known_on: {from_name: "products_%Y-%m-%d"}\n')
    (home / "in" / "products_2026-01-01.csv").write_bytes(b"id\n1\n")
    (home / "in" / "products_final.csv").write_bytes(b"id\n2\n")
    told = {control.delivery(i).name: control.delivery(i) for i in land()}
    assert told["products_2026-01-01.csv"].claimed_on == date(2026, 1, 1)
    refused = told["products_final.csv"]
    assert (refused.status, refused.refusal_code) == ("refused", "format")
    assert "products_%Y-%m-%d" in str(refused.refusal)


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_time(home, monkeypatch):
    growing = home / "in" / "a.csv"
    growing.write_bytes(b"id\n1\n")
    (home / "in" / "b.csv").write_bytes(b"id\n2\n")
    sync = landing.os.fsync

    def somebody_writes(descriptor: int) -> None:
        sync(descriptor)
        with growing.open("ab") as still:
            still.write(b"9\n")

    monkeypatch.setattr(landing.os, "fsync", somebody_writes)
    with pytest.raises(DeliveryRefused, match=r"a\.csv of shop/products changed") as refused:
        land()
    assert refused.value.code == "unstable_file"
    monkeypatch.undo()
    monkeypatch.setenv("TIERWISE_HOME", str(home))
    assert [d.name for d in control.deliveries()] == ["b.csv"]
    assert [control.delivery(i).name for i in land()] == ["a.csv"]


@pytest.mark.parametrize("source_still_has_it", [True, False])
def test_what_landed_and_no_row_knows_is_taken_up(home, source_still_has_it):
    (home / "in" / "a.csv").write_bytes(b"id\n1\n")
    [delivery_id] = land()
    with sqlite3.connect(home / "var/control.db") as store:
        store.execute("delete from deliveries")
    if not source_still_has_it:
        (home / "in" / "a.csv").unlink()
    assert land() == [delivery_id]
    assert [(d.delivery_id, d.name, d.status) for d in control.deliveries()] == [(delivery_id, "a.csv", "landed")]
    assert (settings().var / control.delivery(delivery_id).path).read_bytes() == b"id\n1\n"
    assert land() == []


@pytest.mark.parametrize("content", [b"id\n", b"id\n1\n2\n"])
def test_half_a_file_or_another_one_in_the_lake_is_not_taken_up(home, content):
    (home / "in" / "a.csv").write_bytes(b"id\n1\n")
    [delivery_id] = land()
    (settings().var / control.delivery(delivery_id).path).write_bytes(content)
    with sqlite3.connect(home / "var/control.db") as store:
        store.execute("delete from deliveries")
    (home / "in" / "a.csv").rename(home / "in" / "b.csv")
    assert [control.delivery(i).name for i in land()] == ["b.csv"]
