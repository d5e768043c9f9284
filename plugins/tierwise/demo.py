"""`make demo`: nine month-ends at once, two nights as Airflow runs them, and how to look at what came out."""

from __future__ import annotations

import sys
import time
from datetime import date

from rich.console import Console

from tierwise.errors import ConfigurationRefused, OurFailure, Refusal
from tierwise.settings import settings

MONTH_ENDS = (date(2011, 3, 31), date(2011, 11, 30))
NIGHTS = (date(2011, 12, 8), date(2011, 12, 9))

CHANGES = f"""
    select as_of, from_tier, to_tier, reason, cause, count(*) as customers
    from fct_tier_changes
    where as_of >= '{NIGHTS[0]}' and policy in (select policy from rpt_tier_summary where policy_status = 'active')
    group by all order by as_of, customers desc limit 15"""
ONE_WHO_CHANGED = """
    select customer_id from fct_tier_changes join dim_customer_ids using (customer_key)
    where from_tier is not null and policy in (select policy from rpt_tier_summary where policy_status = 'active')
    order by as_of desc, cause != 'behaviour', part_own_behaviour desc, customer_id limit 1"""

console = Console(stderr=True, highlight=False)


def main() -> int:
    """Run the demo. Returns the exit code of what failed first, else 0."""
    try:
        _refuse_another_company()
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
            hint="your own company needs no demo: tierwise run",
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
    if _tierwise(*command):
        raise OurFailure(
            "The backfill did not succeed; what is above says why.", hint="mend it and run `make demo` again"
        )


def _nights() -> None:
    from tierwise.orchestration import in_process

    already = _decided()
    days = [day for day in NIGHTS if already is None or day > already] or [NIGHTS[-1]]
    console.print("\n[bold]The last nights[/bold], as Airflow runs them: DAG refresh_customer_tiers")
    in_process.run_nights(days, log_file=settings().var / "logs" / "demo.log")


def _show() -> None:
    console.print("\n[bold]The tiers of the last night[/bold]")
    _tierwise("release", "show", "--tiers")
    console.print("\n[bold]What changed in the last nights, and why[/bold]")
    _tierwise("query", CHANGES)
    somebody = _somebody()
    if somebody:
        console.print(f"\n[bold]One of them[/bold]: tierwise why {somebody}")
        _tierwise("why", somebody, "--brief")
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


def _somebody() -> str:
    from tierwise import warehouse

    _, rows = warehouse.query(settings().releases / "current.duckdb", ONE_WHO_CHANGED)
    return rows[0][0] if rows else ""


def _tierwise(*arguments: str) -> int:
    """Run a command in this process, as a person would type it; returns its exit code."""
    from tierwise import cli

    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
