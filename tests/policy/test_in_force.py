"""Which version of a policy decides on which day: a later one waits, also inside one backfill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tierwise import control, policy
from tierwise.errors import ConfigurationRefused, OurFailure

DECEMBER = [date(2011, 12, day) for day in (29, 30, 31)]
JANUARY = [date(2012, 1, day) for day in (1, 2)]

Decided = Callable[[date, dict[str, str]], None]


def _policy(name: str, bound: int, *, status: str = "active", primary: bool = True, valid_from: str = "") -> str:
    starts = f"  valid_from: {valid_from}\n" if valid_from else ""
    is_primary = "  primary: true\n" if primary else ""
    return (
        f"{name}:\n  status: {status}\n{is_primary}{starts}  labels: {name}\n  measure: net_revenue_12m\n  tiers:\n"
        f"    - {{tier: top, labels: Top, at_least: {bound}}}\n    - {{tier: rest, labels: Rest, otherwise: true}}\n"
    )


def _version(text: str) -> str:
    """The version that the file would have been read as."""
    path = policy.policy_file().with_name("another.yml")
    path.write_text(text)
    (only,) = policy.load(path)
    return only.version


def _adopted(days: list[date]) -> Path:
    run = control.begin_run(
        f"{days[-1]}-run", "backfill", days, control.pointer().release_id, control.pointer().counter
    )
    policy.adopt(run.run_id)
    return run.work / "inputs"


def _in_force(inputs: Path) -> list[tuple[str, str, str]]:
    listed = f"from '{inputs}/policies_in_force.parquet' order by policy, as_of"
    return [(str(day), name, version) for day, name, version in duckdb.sql(listed).fetchall()]


def _bounds(inputs: Path) -> dict[str, int]:
    listed = f"select policy_version, bound from '{inputs}/policy_tiers.parquet' where tier = 'top'"
    return {version: int(bound) for version, bound in duckdb.sql(listed).fetchall()}


@pytest.fixture
def old(policy_file: Path, decided: Decided) -> str:
    """The version of the policy `one` (a bound of 100) that decided on 28 December."""
    policy_file.write_text(_policy("one", 100))
    _adopted([date(2011, 12, 28)])
    (version,) = [row["version"] for row in control.policy_versions()]
    decided(date(2011, 12, 28), {"one": version})
    return version


def test_a_later_version_waits_until_its_day_also_inside_one_backfill(policy_file: Path, old: str) -> None:
    text = _policy("one", 200, valid_from="2012-01-01")
    policy_file.write_text(text)
    inputs = _adopted([*DECEMBER, *JANUARY])
    new = _version(text)
    assert _in_force(inputs) == [
        *((str(day), "one", old) for day in DECEMBER),
        *((str(day), "one", new) for day in JANUARY),
    ]
    assert _bounds(inputs) == {old: 100, new: 200}


def test_a_version_is_kept_from_the_first_day_it_decides(policy_file: Path, old: str) -> None:
    policy_file.write_text(_policy("one", 200, valid_from="2012-01-01"))
    _adopted(DECEMBER)
    assert [row["version"] for row in control.policy_versions()] == [old]
    _adopted([DECEMBER[-1], *JANUARY])
    assert {str(row["first_as_of"]) for row in control.policy_versions()} == {"2011-12-28", "2012-01-01"}


def test_a_version_whose_day_has_come_counts_from_the_first_day_of_the_run(policy_file: Path, old: str) -> None:
    text = _policy("one", 200, valid_from="2011-12-01")
    policy_file.write_text(text)
    assert {version for _, _, version in _in_force(_adopted(DECEMBER))} == {_version(text)}


def test_the_last_version_before_counts_and_not_the_first(policy_file: Path, old: str, decided: Decided) -> None:
    policy_file.write_text(_policy("one", 150))
    _adopted(DECEMBER[:1])
    between = _version(_policy("one", 150))
    decided(DECEMBER[0], {"one": between})
    policy_file.write_text(_policy("one", 200, valid_from="2012-01-01"))
    assert {version for _, _, version in _in_force(_adopted(DECEMBER[1:]))} == {between}


def test_a_policy_with_no_version_before_begins_on_its_day(policy_file: Path, old: str) -> None:
    late = _policy("two", 5, status="shadow", primary=False, valid_from="2011-12-31")
    policy_file.write_text(_policy("one", 100) + late)
    days = [day for day, name, _ in _in_force(_adopted(DECEMBER)) if name == "two"]
    assert days == ["2011-12-31"]


def test_a_retired_version_decides_until_its_day_and_then_no_more(policy_file: Path, decided: Decided) -> None:
    shadow = _policy("two", 5, status="shadow", primary=False)
    policy_file.write_text(_policy("one", 100) + shadow)
    _adopted([date(2011, 12, 28)])
    decided(date(2011, 12, 28), {row["policy"]: row["version"] for row in control.policy_versions()})
    ending = _policy("two", 5, status="retired", primary=False, valid_from="2011-12-31")
    policy_file.write_text(_policy("one", 100) + ending)
    inputs = _adopted(DECEMBER)
    assert [day for day, name, _ in _in_force(inputs) if name == "two"] == ["2011-12-29", "2011-12-30"]
    tiers = duckdb.sql(f"select count(*) from '{inputs}/policies.parquet' where policy_status = 'retired'")
    assert tiers.fetchone() == (0,)


def test_a_policy_that_left_the_file_stops(policy_file: Path, old: str) -> None:
    policy_file.write_text(_policy("two", 5))
    assert {name for _, name, _ in _in_force(_adopted(DECEMBER))} == {"two"}


def test_a_day_without_a_primary_policy_is_refused_with_the_reason(policy_file: Path) -> None:
    policy_file.write_text(_policy("one", 100, valid_from="2011-12-30"))
    with pytest.raises(ConfigurationRefused) as refused:
        _adopted(DECEMBER)
    assert refused.value.sentence == (
        "config/tier_policies.yml: on 2011-12-29 no primary policy is in force; what the file says of one counts from"
        " 2011-12-30 on, and there is no version before it."
    )
    assert refused.value.hint == "let the valid_from of the primary policy be 2011-12-29 or earlier, or run a later day"


def test_a_day_with_two_primary_policies_is_refused_with_the_reason(policy_file: Path, old: str) -> None:
    later = _policy("one", 100, status="shadow", primary=False, valid_from="2011-12-31")
    policy_file.write_text(later + _policy("two", 5))
    with pytest.raises(ConfigurationRefused) as refused:
        _adopted(DECEMBER)
    assert refused.value.sentence == (
        "config/tier_policies.yml: on 2011-12-29 one and two are both primary; what the file says of one counts from"
        " 2011-12-31 on, and until then the version before does."
    )
    assert "the same valid_from" in refused.value.hint


def test_policies_change_places_on_one_day(policy_file: Path, decided: Decided) -> None:
    policy_file.write_text(_policy("one", 100) + _policy("two", 5, status="shadow", primary=False))
    _adopted([date(2011, 12, 28)])
    decided(date(2011, 12, 28), {row["policy"]: row["version"] for row in control.policy_versions()})
    policy_file.write_text(
        _policy("one", 100, status="shadow", primary=False, valid_from="2011-12-30")
        + _policy("two", 5, valid_from="2011-12-30")
    )
    inputs = _adopted(DECEMBER)
    primaries = duckdb.sql(f"""
        select as_of, policy
        from '{inputs}/policies_in_force.parquet' join '{inputs}/policies.parquet' using (policy, policy_version)
        where is_primary order by as_of
    """).fetchall()
    assert [name for _, name in primaries] == ["one", "two", "two"]
    places = duckdb.sql(f"select distinct policy, position from '{inputs}/policies.parquet' order by 2").fetchall()
    assert places == [("one", 1), ("two", 2)]


def test_a_version_whose_text_is_lost_is_our_failure(policy_file: Path, decided: Decided) -> None:
    decided(date(2011, 12, 28), {"one": "0123456789ab"})
    policy_file.write_text(_policy("one", 100, valid_from="2012-01-01"))
    with pytest.raises(OurFailure, match="version 0123456789ab of the policy one is in force, and its text is not in"):
        _adopted(DECEMBER)
