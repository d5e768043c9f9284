"""`make demo`: nine month-ends at once, three nights as Airflow runs them, and how to look at what came out."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tierwise.errors import ConfigurationRefused, OurFailure, Refusal
from tierwise.orchestration.environment import airflow_environment, prepare_airflow
from tierwise.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

MONTH_ENDS = (date(2011, 3, 31), date(2011, 11, 30))
NIGHTS = (date(2011, 12, 7), date(2011, 12, 8), date(2011, 12, 9))
TIERWISE = str(Path(sys.executable).parent / "tierwise")

TIERS = """
    select policy, label_en, label_zh, customers, customer_share, net_revenue_12m, revenue_share
    from rpt_tier_summary order by policy_status, policy, tier_rank"""
CHANGES = f"""
    select as_of, from_tier, to_tier, reason, cause, count(*) as customers
    from fct_tier_changes
    where as_of >= '{NIGHTS[0]}' and policy in (select policy from rpt_tier_summary where policy_status = 'active')
    group by all order by as_of, customers desc limit 15"""
ONE_WHO_CHANGED = """
    select customer_id from fct_tier_changes join dim_customer_ids using (customer_key)
    where from_tier is not null and policy in (select policy from rpt_tier_summary where policy_status = 'active')
    order by as_of desc, to_tier, customer_id limit 1"""

console = Console(stderr=True, highlight=False)


def main() -> int:
    """Run the demo. Returns the exit code of what failed first, else 0."""
    try:
        _refuse_another_company()
        os.environ.update(airflow_environment())
        started = time.monotonic()
        _backfill()
        _nights()
        console.print(f"\nDone in {time.monotonic() - started:.0f} s.")
        _show()
    except Refusal as refusal:
        console.print(f"\n{refusal.sentence}", style="bold red", markup=False, soft_wrap=True)
        console.print(f"What to do: {refusal.hint}", markup=False, soft_wrap=True)
        return refusal.exit_code
    return 0


def _refuse_another_company() -> None:
    from tierwise.configuration import company

    if company().clock.last_day != NIGHTS[-1]:
        raise ConfigurationRefused(
            "config/ no longer describes the demo's company, whose last day is 2011-12-09.",
            hint=f"your own company needs no demo: {TIERWISE} run",
        )


def _decided() -> date | None:
    """The day of the release that readers see now."""
    from tierwise import control

    current = control.pointer().release_id
    return control.release(current).as_of if current else None


def _backfill() -> None:
    already = _decided()
    if already:
        console.print(f"There is a release of {already} already: the demo goes on from there.")
        return
    first, last = (day.isoformat() for day in MONTH_ENDS)
    command = ["backfill", "--from", first, "--to", last, "--every", "month-end"]
    console.print(f"[bold]The month-ends of the past[/bold], in one go: tierwise {' '.join(command)}")
    ended = subprocess.run([TIERWISE, *command], check=False)
    if ended.returncode:
        raise OurFailure(
            "The backfill did not succeed; what is above says why.", hint="mend it and run `make demo` again"
        )


def _nights() -> None:
    already = _decided()
    days = [day for day in NIGHTS if already is None or day > already] or [NIGHTS[-1]]
    console.print("\n[bold]The last nights[/bold], as Airflow runs them: DAG refresh_customer_tiers")
    log_file = settings().var / "logs" / "demo.log"
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
                    hint=f"the reason stands in {log_file}; {TIERWISE} run --as-of {day} runs the same steps without Airflow",
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


def _show() -> None:
    _ask("The tiers of the last night", TIERS)
    _ask("What changed in the last nights, and why", CHANGES)
    somebody = _somebody()
    if somebody:
        console.print(f"\n[bold]Why one of them changed[/bold]: tierwise why {somebody}")
        answer = subprocess.run([TIERWISE, "why", somebody], capture_output=True, text=True, check=False)
        sys.stdout.write("\n".join(answer.stdout.splitlines()[:2]) + "\n")
    console.print(
        f"""
[bold]The release[/bold]  {settings().releases / "current.duckdb"}
  any tool that opens DuckDB files read-only can ask it; the tables lie in the schema marts
[bold]Ask it[/bold]       .venv/bin/tierwise query "from fct_tier_changes order by as_of desc limit 20"
[bold]One customer[/bold] .venv/bin/tierwise why {somebody or "CUSTOMER"}
[bold]Every night[/bold]  make airflow
[bold]Your own[/bold]     config/sources.yml, one entry a source; config/tier_policies.yml, your tiers""",
        soft_wrap=True,
    )


def _ask(question: str, sql: str) -> None:
    console.print(f"\n[bold]{question}[/bold]")
    subprocess.run([TIERWISE, "query", sql], check=False)


def _somebody() -> str:
    asked = subprocess.run([TIERWISE, "query", "--json", ONE_WHO_CHANGED], capture_output=True, text=True, check=False)
    rows = json.loads(asked.stdout) if asked.returncode == 0 else []
    return rows[0]["customer_id"] if rows else ""


if __name__ == "__main__":
    sys.exit(main())
