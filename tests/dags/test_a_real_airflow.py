"""`make airflow` for real: a scheduler, its workers and an API, in a home of their own; nights, and a murdered task."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAG = "refresh_customer_tiers"
LAST_DAY = "2026-03-03"
PATIENCE = 900

pytestmark = pytest.mark.slow


class Airflow:
    """One running `make airflow`, asked as a person's browser would ask it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tierwise.orchestration.local", str(self.port)],
            env={**os.environ, "TIERWISE_HOME": str(home), "COLUMNS": "300"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.token = ""

    def wait_until_ready(self) -> None:
        assert self.process.stdout
        said = ""
        for line in self.process.stdout:
            said += line
            if found := re.search(r"user (\S+), password (\S+)", line):
                user, password = found.groups()
                break
        else:
            raise AssertionError(f"Airflow did not come up:\n{said}\n{self.log()}")
        self.token = self.ask("/auth/token", {"username": user, "password": password})["access_token"]

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def runs(self) -> list[dict[str, Any]]:
        return self.ask(f"/api/v2/dags/{DAG}/dagRuns?order_by=run_after")["dag_runs"]

    def trigger(self, as_of: str) -> str:
        return self.ask(f"/api/v2/dags/{DAG}/dagRuns", {"logical_date": None, "conf": {"as_of": as_of}})["dag_run_id"]

    def tasks(self, run_id: str) -> dict[str, dict[str, Any]]:
        found = self.ask(f"/api/v2/dags/{DAG}/dagRuns/{urllib.request.quote(run_id)}/taskInstances")["task_instances"]
        return {task["task_id"]: task for task in found}

    def wait_for_the_end_of(self, run_id: str) -> str:
        def ended() -> str | None:
            state = next(run["state"] for run in self.runs() if run["dag_run_id"] == run_id)
            return state if state in ("success", "failed") else None

        return wait_for(ended)

    def log(self) -> str:
        log = self.home / "var" / "logs" / "airflow.log"
        return log.read_text(errors="replace")[-5000:] if log.exists() else ""


def wait_for(something):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := something():
            return found
        time.sleep(1)
    raise AssertionError(f"waited {PATIENCE} s in vain")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    home = tmp_path_factory.mktemp("shop")
    shutil.copytree(ROOT / "tests" / "companies" / "corner_shop", home, dirs_exist_ok=True)
    running = Airflow(home)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(120)


def current_release(home: Path) -> str:
    return (home / "var" / "release" / "current").resolve().name


def releases(home: Path) -> list[str]:
    with sqlite3.connect(f"file:{home / 'var' / 'control.db'}?mode=ro", uri=True) as store:
        return [row[0] for row in store.execute("select release_id from releases order by number")]


def test_the_night_runs_by_itself(airflow):
    run = wait_for(lambda: next(iter(airflow.runs()), None))
    assert run["run_type"] == "scheduled"
    assert airflow.wait_for_the_end_of(run["dag_run_id"]) == "success", airflow.log()
    assert current_release(airflow.home) == f"{LAST_DAY}.1"


def test_a_person_runs_the_latest_day_again(airflow):
    again = airflow.trigger(LAST_DAY)
    assert airflow.wait_for_the_end_of(again) == "success", airflow.log()
    assert current_release(airflow.home) == f"{LAST_DAY}.2"


def test_the_asset_says_which_day_was_released(airflow):
    events = airflow.ask("/api/v2/assets/events?order_by=timestamp")["asset_events"]
    assert [event["extra"]["as_of"] for event in events] == [LAST_DAY, LAST_DAY]
    assert events[-1]["extra"]["release_id"] == f"{LAST_DAY}.2"
    assert {event["partition_key"] for event in events} == {LAST_DAY}


def test_a_day_that_was_decided_is_refused_at_once_and_says_why(airflow):
    earlier = airflow.trigger("2026-03-01")
    assert airflow.wait_for_the_end_of(earlier) == "failed"
    task = airflow.tasks(earlier)["check_configuration"]
    assert (task["state"], task["try_number"]) == ("failed", 1)
    said = airflow.ask(
        f"/api/v2/dags/{DAG}/dagRuns/{urllib.request.quote(earlier)}/taskInstances/check_configuration/logs/1"
    )
    assert "decisions are never rewritten" in json.dumps(said)
    assert current_release(airflow.home) == f"{LAST_DAY}.2"


def test_tasks_killed_in_the_middle_are_tried_again_and_the_night_ends_well(airflow):
    before = releases(airflow.home)
    run = airflow.trigger(LAST_DAY)

    def running(victim: str) -> int | None:
        task = airflow.tasks(run).get(victim, {})
        return task["pid"] if task.get("state") == "running" and task.get("pid") else None

    victims = ("build_history", "release")
    for victim in victims:
        os.kill(wait_for(partial(running, victim)), signal.SIGKILL)
    assert airflow.wait_for_the_end_of(run) == "success", airflow.log()
    tried = airflow.tasks(run)
    assert [tried[victim]["try_number"] for victim in victims] == [2, 2]
    after = releases(airflow.home)
    assert after[: len(before)] == before
    assert current_release(airflow.home) == after[-1] == f"{LAST_DAY}.{len(before) + 1}"


def test_stopping_leaves_no_process_behind(airflow):
    group = wait_for(lambda: group_of_airflow(airflow.process.pid))
    airflow.process.send_signal(signal.SIGTERM)
    assert airflow.process.wait(120) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def group_of_airflow(parent: int) -> int | None:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return int(children.read_text().split()[0]) if children.exists() and children.read_text().strip() else None
