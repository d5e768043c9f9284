"""The conventions of the dbt project as checks, and each kind of check held against a planted violation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tierwise import kept

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
LINE = 120


def bounced(house: Path) -> subprocess.CompletedProcess[str]:
    """Parse the project of a folder and hold it against the rules in its pyproject.toml."""
    environment = {"PATH": os.defpath, "DO_NOT_TRACK": "1", "COLUMNS": "1000", "NO_COLOR": "1"}
    project = house / "dbt_project"
    parse = [BIN / "dbt", "parse", "--project-dir", project, "--profiles-dir", project, "--log-level", "none"]
    subprocess.run(parse, cwd=house, env=environment, check=True)
    rules = [BIN / "dbt-bouncer", "run", "--config-file", house / "pyproject.toml"]
    return subprocess.run(rules, cwd=house, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the dbt project and its rules, in which a test may break something."""
    leave = shutil.ignore_patterns("target", "logs")
    shutil.copytree(ROOT / "dbt_project", tmp_path / "dbt_project", ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_project_keeps_its_conventions(house):
    found = bounced(house)
    assert found.returncode == 0, found.stdout + found.stderr


def test_what_breaks_a_convention_is_found(house):
    models = house / "dbt_project" / "models"
    (models / "marts" / "fct_unpromised.sql").write_text(
        "{{ config(contract={'enforced': false}) }}\nselect 1 as one\n", encoding="utf-8"
    )
    (models / "staging" / "stg_clocked.sql").write_text(
        "select current_date as known_on from {{ ref('stg_orders') }}\n", encoding="utf-8"
    )
    (models / "intermediate" / "history" / "stg_misplaced.sql").write_text(
        "select * from {{ ref('stg_orders') }} qualify row_number() over () = 1\n", encoding="utf-8"
    )
    found = bounced(house)
    told = re.sub(r"\s+", " ", found.stdout + found.stderr)
    assert found.returncode == 1
    for sentence in (
        "`fct_unpromised` does not have contracts enforced",
        "`fct_unpromised` does not have a populated description",
        "`stg_clocked` contains a banned string",
        "`stg_clocked` references upstream models that are not permitted: ['stg_orders']",
        "`stg_misplaced` does not match",
        "`stg_misplaced` contains a banned string",
        "`stg_misplaced` has 0 unit tests",
    ):
        assert sentence in told, told[-6000:]


def test_lines_of_sql_and_of_its_descriptions_can_be_read():
    written = [p for p in (ROOT / "dbt_project").rglob("*") if p.suffix == ".sql" and "target" not in p.parts]
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in written
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LINE
    ]
    assert len(written) > 50
    assert long == []


def test_a_model_begins_with_its_grain_as_its_description_states_it():
    missing = []
    for file in (ROOT / "dbt_project" / "models").rglob("*.sql"):
        if file.parts[-2] == "marts":
            continue  # short SQL; the contract beside it says the grain
        first = file.read_text(encoding="utf-8").splitlines()[0]
        grain = re.search(r"^ +grain: (.+)$", file.with_suffix(".yml").read_text(encoding="utf-8"), re.MULTILINE)
        stated = grain.group(1)[1:] if grain else "nothing"
        if not first.startswith(f"-- Grain: o{stated}"):
            missing.append(file.name)
    assert missing == []


def test_what_catches_up_from_the_parents_day_goes_where_the_parent_is_another():
    catching_up = {
        file.stem: file.parent.name
        for file in (ROOT / "dbt_project" / "models").rglob("*.sql")
        if "take_out(" in file.read_text(encoding="utf-8")
    }
    assert len(catching_up) >= 3
    kept_apart = {f"table intermediate.{model}" for model, layer in catching_up.items() if layer != "marts"}
    assert kept_apart | {"schema marts"} == set(kept.OF_THE_PARENT)
