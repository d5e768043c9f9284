"""What need not stay goes, by configuration; what the next night or a person still needs stays whatever is written."""

from __future__ import annotations

from typing import Any

import pytest

from tierwise import control, lake, manifest
from tierwise.settings import settings

BRIEF = "{release_days: 1, releases_a_day: 1, landed_days: 0}"


def two_more_nights(company: Any) -> Any:
    """On the first of them a row stays outside and a delivery is refused."""
    company.deliver(
        "orders_2024-02-02.csv",
        [(f"o{n}", 1, "dee", "2024-02-02 10:00", paid, None) for n, paid in enumerate(("1", "2", "3", "4", "x"), 20)],
    )
    company.write("inbox/calls/calls_2024-02-02.jsonl", '{"call": "c9", "cust')
    company.run("2024-02-02")
    company.deliver(
        "orders_2024-02-03.csv", [(f"o{n}", 1, "eve", "2024-02-03 10:00", "99.00", None) for n in range(30, 34)]
    )
    company.run("2024-02-03")
    return company


@pytest.fixture(scope="module")
def by_default(three_nights, tmp_path_factory) -> Any:
    return two_more_nights(three_nights.copy_to(tmp_path_factory.mktemp("default") / "shop"))


@pytest.fixture(scope="module")
def brief(three_nights, tmp_path_factory) -> Any:
    """A company that keeps as little as it may."""
    company = three_nights.copy_to(tmp_path_factory.mktemp("brief") / "shop")
    company.write("config/company.yml", (company.home / "config/company.yml").read_text() + f"retention: {BRIEF}\n")
    return two_more_nights(company)


def landed(company: Any) -> dict[str, bool]:
    """Whether the raw bytes of each delivery still lie in the lake."""
    with company.at_home():
        return {d.name: (settings().var / d.path).exists() for d in control.deliveries()}


def test_raw_deliveries_stay_for_ever_where_nothing_else_is_said(by_default):
    assert len(landed(by_default)) == 9
    assert all(landed(by_default).values())


def test_raw_deliveries_accepted_whole_go_and_those_with_open_questions_stay(brief):
    days = ("2024-01-30", "2024-01-31", "2024-02-01")
    assert landed(brief) == {
        **{f"orders_{day}.csv": False for day in days},
        **{f"calls_{day}.jsonl": False for day in days},
        "orders_2024-02-02.csv": True,  # a row of it lies in quarantine
        "calls_2024-02-02.jsonl": True,  # it was refused
        "orders_2024-02-03.csv": True,  # accepted on the day that the release describes
    }


def test_releases_beyond_the_configured_days_go_and_the_parent_stays(brief, by_default):
    def folders(company: Any) -> set[str]:
        return {folder.name for folder in (company.home / "var/release").glob("2024-*")}

    assert folders(brief) == {"2024-02-02.1", "2024-02-03.1"}
    assert folders(by_default) == {"2024-02-01.1", "2024-02-02.1", "2024-02-03.1"}


def test_states_and_rules_that_only_retired_releases_name_go_and_decisions_stay(brief):
    left = {
        folder.name[:10]: {file.stem for file in folder.glob("*")}
        for folder in (brief.home / "var/lake/decisions").glob("*")
    }
    logs = {"tier_decisions_last", "policy_days_last", "month_end_values_last"}
    assert left["2024-01-30"] == left["2024-01-31"] == logs
    assert left["2024-02-03"] > logs | {"tier_states_last", "policies"}


def test_what_stays_is_enough_for_every_kept_release_and_for_the_same_tiers(brief, by_default):
    assert brief.differences(by_default) == []
    for kept in ("2024-02-02.1", "2024-02-03.1"):
        answer = brief.tierwise("release", "verify", kept)
        assert answer.code == 0, answer.said


def test_deciding_the_last_day_again_needs_nothing_that_went(brief, by_default, tmp_path):
    again = brief.copy_to(tmp_path / "again")
    again.run("2024-02-03")
    assert again.current == "2024-02-03.2"
    assert again.differences(by_default) == []


def test_where_the_folder_of_a_kept_release_is_missing_nothing_that_it_may_name_goes(three_nights, tmp_path):
    from tierwise import retention

    shop = three_nights.copy_to(tmp_path / "shop")
    with shop.at_home():
        control.forget_releases(["2024-01-30.1"])
        (shop.home / "var/release/2024-01-31.1/manifest.json").rename(tmp_path / "manifest.json")
        before = set((shop.home / "var/lake/decisions").rglob("*"))
        retention.retire()
        assert set((shop.home / "var/lake/decisions").rglob("*")) == before
        (tmp_path / "manifest.json").rename(shop.home / "var/release/2024-01-31.1/manifest.json")
        retention.retire()
        assert set((shop.home / "var/lake/decisions").rglob("*")) < before


@pytest.mark.parametrize("wrong", ["release_days: 0", "landed_days: -1", "releases_a_day: 0", "landed_day: 3"])
def test_a_retention_that_cannot_be_is_refused_with_its_line(company, wrong):
    company.write("config/company.yml", (company.home / "config/company.yml").read_text() + f"retention: {{{wrong}}}\n")
    answer = company.tierwise("run", "--as-of", "2024-01-30")
    assert answer.code == 2
    assert "config/company.yml:6:" in answer.said


def test_many_small_files_of_decisions_become_one_and_the_old_ones_stay_while_a_kept_release_names_them(
    shop, by_default, monkeypatch
):
    monkeypatch.setattr(lake, "MANY", 4)
    two_more_nights(shop)
    with shop.at_home():
        before, after = (manifest.read_release(f"2024-02-{day}.1").ends_with.logs for day in ("01", "03"))
        assert {name: len(files) for name, files in before.items()} == dict.fromkeys(before, 3)
        assert {name: len(files) for name, files in after.items()} == dict.fromkeys(
            before, 2
        )  # of four one, and one more
        assert all(file.absolute.exists() for files in before.values() for file in files)
    assert shop.differences(by_default) == []
    for release in ("2024-02-03.1", "2024-02-01.1"):
        assert shop.tierwise("release", "verify", release).code == 0
    shop.write("config/company.yml", (shop.home / "config/company.yml").read_text() + "retention: {release_days: 2}\n")
    shop.run("2024-02-04")  # from now on nobody that is kept names them
    with shop.at_home():
        assert not any(file.absolute.exists() for files in before.values() for file in files)
