"""The DAG in this process: every task as Airflow runs it, without a scheduler. For the demo, and for trying a DAG."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tierwise.errors import OurFailure, Refusal
from tierwise.orchestration.environment import airflow_environment, prepare_airflow
from tierwise.settings import hand_over, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path


def run_nights(days: Sequence[date], log_file: Path) -> None:
    """Run `refresh_customer_tiers` for the days, in order, telling each task on stderr. Raises OurFailure where one fails.

    Airflow's settings go into this process's environment, and what it and the tools print goes to the log file.
    """
    hand_over(**airflow_environment())
    with _quiet(log_file) as said:
        prepare_airflow()
        refresh = _the_dag()
        _tell_progress(said)
        for day in days:
            said.print(f"  {day}")
            state = refresh.test(run_conf={"as_of": day.isoformat()}).state
            if state != "success":
                raise OurFailure(
                    f"The night of {day} ended {state}. Readers still see the release before.",
                    hint=f"the reason stands in {log_file}; tierwise run --as-of {day} runs the same steps without Airflow",
                )


def _the_dag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(settings().project / "dags"))
    if bag.import_errors:
        raise OurFailure("Airflow cannot read the DAG files:\n" + "\n".join(bag.import_errors.values()))
    return bag.dags["refresh_customer_tiers"]


@contextmanager
def _quiet(log_file: Path) -> Iterator[Console]:
    """Everything that Airflow and the tools print goes to the log file; the console yielded still reaches the person."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = os.dup(1), os.dup(2)
    with log_file.open("ab") as log, os.fdopen(os.dup(2), "w") as terminal:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield Console(file=terminal, highlight=False)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            logging.shutdown()
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.close(out)
            os.close(err)


def _tell_progress(said: Console) -> None:
    """One line a task as it ends, from Airflow's own listener."""
    from airflow.listeners import hookimpl
    from airflow.sdk.listener import get_listener_manager

    class Progress:
        def __init__(self) -> None:
            self.since = time.monotonic()

        def tell(self, mark: str, task_instance: Any) -> None:
            now = time.monotonic()
            name = task_instance.task_id
            if getattr(task_instance, "map_index", -1) >= 0:
                name += f" [{getattr(task_instance, 'rendered_map_index', None) or task_instance.map_index}]"
            said.print(f"    {mark} {name:<44} {now - self.since:6.1f} s", markup=False)
            self.since = now

        @hookimpl
        def on_task_instance_running(self) -> None:
            self.since = time.monotonic()

        @hookimpl
        def on_task_instance_success(self, task_instance: Any) -> None:
            self.tell("✓", task_instance)

        @hookimpl
        def on_task_instance_failed(self, task_instance: Any, error: Any) -> None:
            self.tell("✗", task_instance)
            if isinstance(error, Refusal):
                said.print(f"      {error.sentence}\n      {error.hint}", markup=False)

    get_listener_manager().add_listener(Progress())
