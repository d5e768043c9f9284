"""An error planted in any row of the decision table is found by the comparison with the oracle."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tierwise import warehouse
from tierwise.settings import settings

from . import batch
from . import oracle as table
from .histories import HELD_AGAINST_THE_ORACLE, by_the_oracle, generated
from .test_decisions_agree import disagreements

SMALL = HELD_AGAINST_THE_ORACLE[1]
MANY = 35  # of its cases: enough for every row
# row of the table, file of the decision, a clause of it, the same clause in error
PLANTED = (
    ("1", "day/int_tier_rows__applied", "when met.override_rank is not null then 1", "when false then 1"),
    (
        "2",
        "day/int_tier_rows__applied",
        "when 'override_ended' then reached_rank",
        "when 'override_ended' then coalesce(held_rank, reached_rank)",
    ),
    (
        "3",
        "day/int_tier_rows__applied",
        "else coalesce(gradable, 'not_graded')",
        "else 'provisional'",
    ),
    (
        "4",
        "day/int_tier_rows__applied",
        "when not met.is_eligible and met.held_rank is not null then 4",
        "when not met.is_eligible and met.held_rank is not null then 3",
    ),
    (
        "5",
        "day/int_tier_rows__applied",
        "case when existing_rank is not null then 'existing'",
        "case when false then 'existing'",
    ),
    ("6", "day/int_tier_rows__applied", "counted.days >= met.confirm_days", "counted.days >= 1"),
    ("7", "day/int_tier_rows__applied", "< minimum_stay_days then 'held_by_stay'", "< 0 then 'held_by_stay'"),
    (
        "8",
        "day/int_tier_rows__applied",
        "when 'left_population' then null",
        "when 'left_population' then null when 'held_by_band' then reached_rank",
    ),
    (
        "9",
        "int_tier_decisions__decided",
        "case when moved.is_change then moved.as_of else moved.since_before end as tier_since",
        "case when moved.is_change or moved.decision_row = 9 then moved.as_of else moved.since_before end as tier_since",
    ),
    ("10", "day/int_tier_seats__taken", "> caps.seat_cap", "> caps.seat_cap + 1000"),
)
OF_A_MODEL = (  # what another value model moves
    (
        "the cause",
        "day/int_tier_causes__found",
        "when steps.step = 'value_model' and refitted.customer_key is not null then refitted",
        "when false then refitted",
    ),
    (
        "the part",
        "int_policy_scores__compared",
        "when is_refitted then by_another_model",
        "when false then by_another_model",
    ),
)
OF_A_SCORE = (
    ("whom one is scored against", "score/int_score_curves__drawn", "            and people.is_eligible\n", ""),
    (
        "the middle of one's equals",
        "score/int_score_curves__drawn",
        "then 2 * summed.at_most - summed.equal",
        "then 2 * summed.at_most",
    ),
    (
        "what is missing",
        "score/int_policy_scores__weighted",
        "where not list_contains(held.positions, neutral.position)",
        "where true",
    ),
    (
        "the others of the day before",
        "score/int_policy_parts__measured",
        "in_force.previous_as_of as drawn_on",
        "in_force.as_of as drawn_on",
    ),
    ("the version before", "int_policy_scores__compared", "else scored.old_score", "else scored.before_score"),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the dbt project, to be changed at will, which every build of this module takes."""
    place = tmp_path_factory.mktemp("copy")
    where = settings()
    shutil.copytree(where.dbt_project, place / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    with pytest.MonkeyPatch.context() as m:
        m.setattr(warehouse, "settings", lambda: dataclasses.replace(where, project=place, home=place))
        m.setattr(warehouse, "_known_projects", {})
        yield place / "dbt_project"


def _told(home: Path) -> list[str]:
    """What the comparison tells of a small batch."""
    cases = generated(SMALL)[:MANY]
    return disagreements(cases, by_the_oracle(SMALL), batch.decide_at_once(home, cases))


def test_nothing_is_found_where_no_error_is_planted(home: Path, project: Path) -> None:
    assert (project / "dbt_project.yml").exists()
    assert _told(home) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "model", "clause", "error"),
    [*PLANTED, *OF_A_MODEL, *OF_A_SCORE],
    ids=[*(f"row {p[0]}" for p in PLANTED), *(p[0] for p in (*OF_A_MODEL, *OF_A_SCORE))],
)
def test_a_planted_error_is_found(home: Path, project: Path, row: str, model: str, clause: str, error: str) -> None:
    file = project / "models/intermediate/decision" / f"{model}.sql"
    right = file.read_text()
    assert right.count(clause) == 1, f"{model} no longer says {clause!r} once"
    file.write_text(right.replace(clause, error))
    try:
        told = _told(home)
    finally:
        file.write_text(right)
    assert told, f"an error in {row} was not found"


# The generated cases themselves: whichever row were wrong, some case would tell. `Night` is the oracle's night.
Night = table._Night
RIGHT: dict[str, Callable[..., table.Result]] = {name: vars(Night)[name] for name in vars(Night)}


def _override_without_end(night: Night, name: str) -> str | None:
    known = (
        o for o in night.case.overrides if o.customer == name and o.known_on <= night.day and o.replaced_on is None
    )
    return next((o.tier for o in known if o.starts_on <= night.day and night.policy.tier(o.tier)), None)


def _override_ended_keeps(night: Night, member: table.Member) -> table.Result:
    held = night.held(member.name)
    return (
        replace(RIGHT["_row_2"](night, member), tier=held, graded="graded") if held else RIGHT["_row_2"](night, member)
    )


def _never_provisional(night: Night, member: table.Member) -> tuple[str | None, str]:
    return None, "not_graded"


def _row_4_grades_anew(night: Night, member: table.Member) -> table.Result:
    result = RIGHT["decide"](night, member)
    return replace(result, tier=night.reached(member.someone)) if result.row == "4" else result


def _no_existing_tiers(night: Night, name: str) -> None:
    return None


def _the_lowest_completed_run(night: Night, member: table.Member, held: str, runs: list[table.Run]) -> table.Result:
    return RIGHT["_row_6"](night, member, held, runs[::-1])


def _down_at_once(night: Night, member: table.Member, held: str, reached: str) -> table.Result:
    result = RIGHT["_row_7"](night, member, held, reached)
    return replace(result, tier=reached, is_limited_by_steps=False) if result.reason == "demoted" else result


def _no_band(night: Night, member: table.Member, held: str) -> table.Result:
    result = RIGHT["_of_a_holder"](night, member, held)
    return replace(result, tier=night.reached(member.someone)) if result.row == "8" else result


def _row_9_is_a_newcomer(night: Night, member: table.Member, held: str) -> table.Result:
    result = RIGHT["_of_a_holder"](night, member, held)
    return replace(result, is_newcomer=True) if result.row == "9" else result


def _one_of_equals_sits(
    night: Night, tier: table.Tier, here: list[table.Member], results: dict[str, table.Result]
) -> list[table.Member]:
    refused = RIGHT["_without_a_seat"](night, tier, here, results)
    return refused[1:]


ERRORS: dict[str, tuple[str, Callable[..., object]]] = {
    "1": ("override", _override_without_end),
    "2": ("_row_2", _override_ended_keeps),
    "3": ("provisional_or_none", _never_provisional),
    "4": ("decide", _row_4_grades_anew),
    "5": ("existing", _no_existing_tiers),
    "6": ("_row_6", _the_lowest_completed_run),
    "7": ("_row_7", _down_at_once),
    "8": ("_of_a_holder", _no_band),
    "9": ("_of_a_holder", _row_9_is_a_newcomer),
    "10": ("_without_a_seat", _one_of_equals_sits),
}


@pytest.mark.parametrize("row", ERRORS)
def test_some_case_would_tell(monkeypatch: pytest.MonkeyPatch, row: str) -> None:
    right = by_the_oracle(SMALL)
    monkeypatch.setattr(Night, *ERRORS[row])
    assert any(table.decide(case) != right[case.name] for case in generated(SMALL))
