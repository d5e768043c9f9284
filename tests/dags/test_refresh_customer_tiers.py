"""The nightly refresh as a DAG: its order, its days, its care; nothing here runs a room."""

from __future__ import annotations

import itertools
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tierwise.errors import Busy, ConfigurationRefused, DeliveryRefused, OurFailure

ROOT = Path(__file__).resolve().parents[2]
STEPS = (
    "check_configuration",
    "land",
    "conform",
    "accept",
    "build_history",
    "score",
    "build_proposals",
    "hold_at_the_door_out",
    "release",
)


def test_every_dag_file_is_read_without_an_error(bag):
    assert bag.import_errors == {}
    assert "refresh_customer_tiers" in bag.dags


def test_the_steps_come_in_the_order_of_the_design(refresh):
    tasks = [task.task_id for task in refresh.topological_sort()]
    assert tuple(name for name in tasks if name != "streams") == STEPS


def test_the_dag_and_the_command_line_take_the_same_steps(refresh):
    cli = pytest.importorskip("tierwise.cli")
    tasks = [task.task_id for task in refresh.topological_sort() if task.task_id != "streams"]
    assert tuple(tasks) == tuple(cli.STEPS)


def test_every_task_waits_for_the_one_before(refresh):
    tasks = refresh.topological_sort()
    for before, after in itertools.pairwise(tasks):
        assert before.task_id in after.upstream_task_ids


def test_nothing_is_caught_up_and_two_nights_never_run_at_once(refresh):
    assert refresh.catchup is False
    assert refresh.max_active_runs == 1


def test_one_build_at_a_time_uses_the_memory_of_the_machine(refresh):
    in_the_pool = [task.task_id for task in refresh.topological_sort() if task.pool == "warehouse"]
    assert in_the_pool == [*STEPS[2:]]


def test_the_release_tells_the_asset(refresh):
    from airflow.sdk import Asset

    assert refresh.task_dict["release"].outlets == [Asset("tierwise://release")]
    assert Asset("tierwise://release").name == "tierwise://release"


def test_the_day_of_a_night_is_the_day_before_in_the_time_zone_of_the_company():
    from airflow.timetables.trigger import CronPartitionTimetable

    shanghai = CronPartitionTimetable("0 2 * * *", timezone="Asia/Shanghai", run_offset=-1, key_format="%Y-%m-%d")
    at_two_in_shanghai = datetime(2026, 11, 22, 18, tzinfo=UTC)  # the 23rd, 02:00 there
    assert shanghai._get_partition_info(_pendulum(at_two_in_shanghai))[1] == "2026-11-22"


def test_the_schedule_is_in_the_time_zone_of_the_company(refresh):
    from airflow.serialization.encoders import coerce_to_core_timetable

    from tierwise.configuration import company

    timetable = coerce_to_core_timetable(refresh.timetable).serialize()
    assert timetable["timezone"] == company().time_zone
    assert (timetable["expression"], timetable["run_offset"]) == ("0 2 * * *", -1)


def test_a_broken_company_file_still_gives_a_dag_whose_run_says_so(tmp_path, monkeypatch):
    from tierwise.orchestration.schedule import company_time_zone

    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "company.yml").write_text("time_zone: Beijing\n")
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    assert company_time_zone() == "UTC"


@pytest.mark.parametrize("day", ["", "2011-12-09"])
def test_the_form_takes_a_day_or_nothing(refresh, day):
    assert refresh.params.get_param("as_of").resolve(day) == day


@pytest.mark.parametrize("no_day", ["yesterday", "2011-12-9", "09.12.2011"])
def test_the_form_takes_nothing_else(refresh, no_day):
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        refresh.params.get_param("as_of").resolve(no_day)


@pytest.mark.parametrize(
    ("failure", "answer"),
    [
        (ConfigurationRefused("a typing error"), "fail"),
        (DeliveryRefused("half a file", code="truncated"), "fail"),
        (OurFailure("the door out"), "fail"),
        (Busy("another run"), "retry"),
        (ConnectionError("reset by peer"), "retry"),
        (OSError("no space left on device"), "retry"),
        (RuntimeError("something else"), "default"),
    ],
)
def test_what_a_person_must_mend_is_not_tried_again(failure, answer):
    from tierwise.orchestration.care import RETRY_POLICY

    decision = RETRY_POLICY.evaluate(failure, 1, 2)
    assert decision.action.value == answer
    assert decision.retry_delay == (timedelta(minutes=1) if answer == "retry" else None)


def test_every_task_carries_the_policy_and_two_more_tries(refresh):
    from tierwise.orchestration.care import RETRY_POLICY, remember_failure

    for task in refresh.topological_sort():
        arguments = getattr(task, "partial_kwargs", None) or {
            "retries": task.retries,
            "retry_policy": task.retry_policy,
            "on_failure_callback": task.on_failure_callback,
        }
        assert arguments["retries"] == 2
        assert arguments["retry_policy"] is RETRY_POLICY
        assert arguments["on_failure_callback"] in (remember_failure, [remember_failure])


def test_a_refusal_is_logged_as_a_sentence_and_not_as_a_way_through_our_code(caplog):
    from tierwise.orchestration.care import step

    def refuse():
        raise ConfigurationRefused("config/sources.yml:3: the key `form` is unknown", hint="did you mean `from`?")

    wrapped = step()(refuse).function
    with caplog.at_level("ERROR"), pytest.raises(ConfigurationRefused) as refused:
        wrapped()
    assert [record.getMessage() for record in caplog.records] == [
        "config/sources.yml:3: the key `form` is unknown",
        "What to do: did you mean `from`?",
    ]
    assert "refuse" not in [entry.name for entry in refused.traceback]
    assert refused.value.__context__ is None


def test_a_customer_in_the_text_of_an_error_does_not_reach_the_control_store():
    from tierwise.orchestration.care import said

    assert "Li" not in said("conform", ValueError("cannot cast 'Li Na, 138 0000 0000'"))
    assert said("conform", OurFailure("The door out found 3 doubled keys.")) == "The door out found 3 doubled keys."


HEAVY = ("duckdb", "pandas", "great_expectations", "dbt", "scipy", "pyarrow", "sqlglot", "tierwise.control")


def _imported_by(code: str, tmp_path: Path) -> set[str]:
    listing = f"import sys\n{code}\nprint('|'.join(m for m in {HEAVY!r} if m in sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", listing],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "dags",
        env={"PATH": "/usr/bin:/bin", "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "dags")},
    )
    return set(filter(None, ran.stdout.strip().splitlines()[-1].split("|"))) if ran.stdout.strip() else set()


def test_reading_the_dag_file_imports_nothing_heavy(tmp_path):
    assert _imported_by("import refresh_customer_tiers", tmp_path) == set()


def test_the_guard_on_heavy_imports_sees_one(tmp_path):
    assert _imported_by("import refresh_customer_tiers, duckdb", tmp_path) >= {"duckdb"}


def _pendulum(instant: datetime):
    import pendulum

    return pendulum.instance(instant)
