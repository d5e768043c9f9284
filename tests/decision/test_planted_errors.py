"""An error planted in any row of the decision table is found by the comparison with the oracle."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tierwise import warehouse
from tierwise.errors import OurFailure
from tierwise.settings import settings

from . import batch, cases
from . import oracle as table
from .test_decisions_agree import SIZE, disagreements, oracle

MODELS = "dbt_project/models/intermediate/decision"
# row of the table, model, a clause of it, the same clause in error
PLANTED: tuple[tuple[str, str, str, str], ...] = ()


@pytest.mark.parametrize(("row", "model", "clause", "error"), PLANTED, ids=[f"row {p[0]}" for p in PLANTED])
def test_a_planted_error_is_found(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, model: str, clause: str, error: str
) -> None:
    project = tmp_path / "project"
    shutil.copytree(settings().dbt_project, project / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    file = project / MODELS / f"{model}.sql"
    text = file.read_text()
    assert text.count(clause) == 1, f"{model} no longer says {clause!r} once"
    file.write_text(text.replace(clause, error))
    where = dataclasses.replace(settings(), project=project)
    monkeypatch.setattr(warehouse, "settings", lambda: where)
    generated = cases.batch(1, SIZE)
    try:
        got = batch.decide_at_once(home, generated)
    except OurFailure:
        return  # a test of the models themselves found it
    assert disagreements(generated, oracle(1), got), f"an error in row {row} was not found"


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
    right = oracle(1)
    monkeypatch.setattr(Night, *ERRORS[row])
    assert any(table.decide(case) != right[case.name] for case in cases.batch(1, SIZE))
