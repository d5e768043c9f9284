"""The steps of a refresh by hand, in the same order as the DAG, and the questions people ask of its results."""

from __future__ import annotations

import calendar
import itertools
import json
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from tierwise import clock, configuration, control
from tierwise.errors import ConfigurationRefused, OurFailure, Refusal, want_of_room
from tierwise.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.status import Status

    from tierwise.policy.explanation import ScoredPart

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

_BAR_WIDTH = 24  # of the picture of a forecast

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
source_app = typer.Typer(help="Where rows come from.", no_args_is_help=True)
policy_app = typer.Typer(help="How tiers are decided.", no_args_is_help=True)
override_app = typer.Typer(help="Tiers that people decide, for one customer.", no_args_is_help=True)
value_app = typer.Typer(help="What customers will be worth, by which model.", no_args_is_help=True)
quarantine_app = typer.Typer(help="Rows that stay outside, and why.", no_args_is_help=True)
release_app = typer.Typer(help="What readers see, and what they saw before.", no_args_is_help=True)
app.add_typer(source_app, name="source")
app.add_typer(policy_app, name="policy")
app.add_typer(override_app, name="override")
app.add_typer(value_app, name="value")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(release_app, name="release")

out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for machines.")]


class Every(StrEnum):
    """Which days of a span a backfill takes."""

    DAY = "day"
    MONTH_END = "month-end"


# --- the refresh ----------------------------------------------------------------------------------------------------


@app.command()
def run(
    as_of: Annotated[str, typer.Option(help="The day to describe, YYYY-MM-DD; by default the last complete day.")] = "",
    as_json: Json = False,
) -> None:
    """Refresh value and tiers for one day: the whole night without Airflow."""
    day = clock.day_to_describe(configuration.company(), asked=as_of)
    _answer_refresh(_refresh([day], "night"), as_json)


@app.command()
def backfill(
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")],
    every: Annotated[Every, typer.Option(help="Which days of the span.")] = Every.DAY,
    as_json: Json = False,
) -> None:
    """Decide past days in order and release once, at the end. Deliveries without a day count as known from the first."""
    company = configuration.company()
    begin = clock.day_to_describe(company, asked=first)
    end = clock.day_to_describe(company, asked=last)
    days = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
    if every is Every.MONTH_END:
        days = [d for d in days if d.day == calendar.monthrange(d.year, d.month)[1]]
    if not days:
        raise ConfigurationRefused(
            f"There is no {every} between {first} and {last}.", hint="give a later --to, or another --every"
        )
    _answer_refresh(_refresh(days, "backfill"), as_json)


def _refresh(days: list[date], kind: str) -> str:
    from tierwise import accept, conform, landing, policy, release, segments
    from tierwise.sources import description

    with _steps() as step:
        step("check_configuration")
        sources = description.load_sources()
        policy.load()
        segments.load_segments()
        run_id = release.begin(days, kind)
        with _remembering(run_id):
            policy.adopt(run_id)
            described = [s for s in sources if s.kind != description.BY_HAND]
            undated = [f"{s.name} · {name}" for s in described for name, e in s.streams.items() if e.known_on is None]
            if kind == "backfill" and undated:
                err.print(f"  These say no day of their own and count as known from {days[0]}: {', '.join(undated)}.")
            step("land")
            for source in sources:
                for stream in source.streams:
                    landed = [control.delivery(one) for one in landing.land(run_id, source.name, stream)]
                    if anew := sum(d.remapped_from is not None for d in landed):
                        files = "1 file is" if anew == 1 else f"{anew:,} files are"
                        err.print(
                            f"  the mapping of {source.name} · {stream} changed: {files} read anew.", markup=False
                        )
            step("conform")
            conform.conform(run_id)
            step("accept")
            accept.accept(run_id)
            step("build_history")
            if (because := release.build(run_id, "history", step.node)) and control.pointer().release_id:
                err.print(f"  all tables are built anew: {because}.", markup=False)
            step("score")
            for sentence in release.score(run_id):
                err.print(f"  {sentence}", markup=False)
            step("build_proposals")
            release.build(run_id, "proposals", step.node)
            step("hold_at_the_door_out")
            for warning in release.hold_at_the_door_out(run_id):
                err.print(f"  odd: {warning}", style="yellow", markup=False)
            step("release")
            return release.release(run_id)


def _answer_refresh(release_id: str, as_json: bool) -> None:
    _show_tiers(release_id, as_json)
    if as_json:
        return
    for delivery in control.deliveries(status="refused"):
        if delivery.remapped_from is None:
            refused = f"Refused, and not in this release: {delivery.source} · {delivery.name}: {delivery.refusal}"
            err.print(refused, markup=False)
    found = control.findings(run_id=control.release(release_id).run_id)
    for sentence, times in Counter(finding["sentence"] for finding in found).items():
        err.print(f"odd{f', {times} times' if times > 1 else ''}: {sentence}", style="yellow", markup=False)
    outside = sum(d.quarantined_rows or 0 for d in control.last_readings(control.deliveries(status="accepted")))
    if outside:
        err.print(f"{outside} row(s) are in quarantine: tierwise quarantine list")
    _next(
        'tierwise query "select customer_key, tier, score, gap_up from dim_customer_tiers limit 10"',
        "tierwise why CUSTOMER",
    )


def _show_tiers(release_id: str, as_json: bool) -> None:
    """How many customers and how much revenue each tier holds."""
    from tierwise import warehouse

    columns, rows = warehouse.query(
        settings().releases / release_id / warehouse.RELEASED,
        "select policy, label_en as tier, label_zh as 等级, customers, customer_share, net_revenue_12m, revenue_share"
        " from rpt_tier_summary order by policy_status, policy, tier_rank",
    )
    if as_json:
        _print_json({"release_id": release_id, "tiers": [dict(zip(columns, r, strict=True)) for r in rows]})
        return
    currency = configuration.company().currency
    _print_table(
        ("policy", "tier", "等级", "customers", "share", f"revenue, 12m ({currency})", "share"),
        [
            (p, en, zh, f"{n:,}", _percent(of), f"{money:,.2f}", _percent(part))
            for p, en, zh, n, of, money, part in rows
        ],
        title=f"Release {release_id}",
    )


# --- questions ------------------------------------------------------------------------------------------------------


@app.command()
def why(
    customer: Annotated[str, typer.Argument(help="A customer_key, a customer id, or source:id.")],
    policy: Annotated[str, typer.Option(help="A policy; by default the primary one.")] = "",
    as_of: Annotated[str, typer.Option(help="A past day, YYYY-MM-DD: the tier as decided then.")] = "",
    brief: Annotated[bool, typer.Option("--brief", help="Only the sentences.")] = False,
    as_json: Json = False,
) -> None:
    """Say which tier a customer holds and why: measure, line, rule, and how far the next tier is, in both languages."""
    from tierwise import policy as policies
    from tierwise import release

    release.repair()
    day = clock.day_to_describe(configuration.company(), asked=as_of) if as_of else None
    explanation = policies.why(customer, policy=policy or None, as_of=day)
    if as_json:
        _print_json(explanation)
        return
    languages = configuration.company().languages
    for language in languages:
        # Chinese has no spaces to break a line at: the terminal does it better
        out.print(getattr(explanation, f"sentence_{language}"), markup=False, soft_wrap=language == "zh" or None)
    if brief:
        return
    out.print()
    for line in policies.drawn(explanation.history, languages[0]):
        out.print(line, markup=False)
    out.print()
    if explanation.score_parts:
        _print_table(
            ("part of the score", "value", "scored by", "score", "weight"), map(_part, explanation.score_parts)
        )
    _print_table(("what", "value"), [(name, _tidy(value)) for name, value in _facts(asdict(explanation))])
    _next(f"tierwise query \"from tier_history where customer_key = '{explanation.customer_key}' order by valid_from\"")


def _part(part: ScoredPart) -> tuple[Any, ...]:
    """A part of a score as a row; beside the weight it has for this customer, what it would have with all known."""
    of_all = f" (of {part.weight:.1%})" if part.weight != part.weight_counted else ""
    return (
        f"{part.dimension}: {part.measure}" if part.dimension else part.measure,
        "not known" if part.value is None else _tidy(part.value),
        part.scored_by,
        "-" if part.score is None else _tidy(part.score),
        f"{part.weight_counted:.1%}{of_all}",
    )


def _facts(explanation: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every number behind the sentences, one a row: `line.value`, `parts.own_behaviour`."""
    for name, value in explanation.items():
        if isinstance(value, dict):
            inner = {f"{name}.{one}": what for one, what in value.items() if not one.startswith("label")}
            yield from _facts(inner)
        elif value is None or isinstance(value, tuple) or name.startswith("sentence"):
            continue
        elif value or "parts." not in name:
            yield name, value


@app.command()
def query(sql: Annotated[str, typer.Argument(help="SQL over the marts.")], as_json: Json = False) -> None:
    """Ask the current release, read-only. Tables need no schema: `from dim_customer_tiers limit 10`."""
    import duckdb

    from tierwise import release, warehouse

    pointer = release.repair()
    if pointer.release_id is None:
        raise ConfigurationRefused("There is no release yet.", hint="tierwise run")
    try:
        columns, rows = warehouse.query(settings().releases / pointer.release_id / warehouse.RELEASED, sql)
    except duckdb.Error as problem:
        raise ConfigurationRefused(
            f"The query does not work: {str(problem).splitlines()[0]}",
            hint='`tierwise query "show tables"` lists the marts, `tierwise query "describe dim_customer_tiers"` a mart\'s columns',
        ) from None
    if as_json:
        _print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        _print_table(columns, rows)
        _next('tierwise query "show tables"', "tierwise why CUSTOMER")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check what a refresh needs: versions, places, configuration, suites, and that readers see the current release."""
    import importlib.metadata
    import platform

    from tierwise import policy, quality, release, segments
    from tierwise.sources import description

    where = settings()
    where.var.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(where.var).free / 2**30
    tools = ("duckdb", "dbt-core", "great-expectations", "apache-airflow")
    checks: list[tuple[str, str, bool]] = [
        ("python", platform.python_version(), sys.version_info >= (3, 11)),
        ("disk", f"{free:.1f} GiB free below {where.var}", free > 2),
        *((tool, importlib.metadata.version(tool), True) for tool in tools),
    ]
    for name, check in (
        ("config/company.yml", configuration.company),
        ("config/sources.yml", description.load_sources),
        ("config/tier_policies.yml", policy.load),
        ("config/segments.yml", segments.load_segments),
        ("expectations/", quality.check_suites),
        ("control store", release.repair),
    ):
        try:
            check()
            checks.append((name, "in order", True))
        except Refusal as refusal:
            checks.append((name, refusal.sentence, False))
    if as_json:
        _print_json([{"check": c, "found": f, "ok": ok} for c, f, ok in checks])
    else:
        _print_table(("check", "found", ""), [(c, f, "✓" if ok else "✗") for c, f, ok in checks])
        _next("tierwise run")
    if not all(ok for _, _, ok in checks):
        raise typer.Exit(2)


# --- sources --------------------------------------------------------------------------------------------------------


@source_app.command("list")
def source_list(as_json: Json = False) -> None:
    """Every described stream, what it last delivered and what became of it."""
    from tierwise.sources import description

    rows = []
    for source in description.load_sources():
        for stream in source.streams:
            landed = control.deliveries(source=source.name, stream=stream)
            last = max(landed, key=lambda d: (d.landed_at, d.delivery_id), default=None)
            rows.append(
                {
                    "source": source.name,
                    "stream": stream,
                    "required": source.required,
                    "deliveries": len(landed),
                    "last_delivery": last.delivery_id if last else None,
                    "status": last.status if last else None,
                    "accepted_rows": sum(d.accepted_rows or 0 for d in landed),
                    "quarantined_rows": sum(d.quarantined_rows or 0 for d in control.last_readings(landed)),
                    "warnings": sum(f["delivery_id"] in {d.delivery_id for d in landed} for f in control.findings()),
                    "refusal": last.refusal if last else None,
                }
            )
    _print_records(rows, as_json)
    if not as_json:
        _next("tierwise source check", "tierwise quarantine list")


@source_app.command("check")
def source_check(as_json: Json = False) -> None:
    """Read config/sources.yml and say what is wrong in it, or what each stream does not say."""
    from tierwise.sources import description

    sources = [s for s in description.load_sources() if s.kind != description.BY_HAND]
    said = []
    for source in sources:
        for name, entry in source.streams.items():
            notes = []
            if entry.known_on is None:
                notes.append("says no day: rows are known on the day of the run that accepts them")
            if "updated_at" not in entry.columns and entry.known_on is None:
                notes.append("says neither updated_at nor a day: of two versions the one accepted later stands")
            said.append({"source": source.name, "stream": name, "notes": "; ".join(notes) or "in order"})
    _print_records(said, as_json)
    if not as_json:
        _next("tierwise run")


@source_app.command("accept")
def source_accept(
    delivery: Annotated[str, typer.Argument(help="A refused delivery, as `tierwise source list` names it.")],
    because: Annotated[str, typer.Option(help="Why it is right as it is.")],
    as_json: Json = False,
) -> None:
    """Vouch for a refused delivery. Only a mark: the next run takes it."""
    control.accept_anyway(delivery, because)
    if as_json:
        _print_json({"delivery_id": delivery, "accepted_because": because})
        return
    out.print(f"{delivery} will be accepted by the next run, because: {because}", markup=False)
    _next("tierwise run")


# --- policies -------------------------------------------------------------------------------------------------------


@policy_app.command("check")
def policy_check(as_json: Json = False) -> None:
    """Read config/tier_policies.yml and say what is wrong in it, with the line and what to write instead."""
    from tierwise import policy

    warnings = policy.check()
    if as_json:
        _print_json({"warnings": warnings})
        return
    for warning in warnings:
        out.print(f"odd: {warning}", markup=False)
    out.print("config/tier_policies.yml is in order.")
    _next("tierwise policy show", "tierwise run")


@policy_app.command("show")
def policy_show(as_json: Json = False) -> None:
    """Every policy and its lines in words, in both languages."""
    from tierwise import policy

    shown = policy.show(policy.load())
    if as_json:
        _print_json(shown)
        return
    for name, tiers in itertools.groupby(shown, key=lambda s: s.policy):
        rows = list(tiers)
        first = rows[0]
        is_primary = ", primary" if first.is_primary else ""
        measure = f"{first.measure}{f' in {first.currency}' if first.currency else ''}"
        _print_table(
            ("tier", "label", "名称", "line", "规则"),
            [(s.tier, s.tier_label_en, s.tier_label_zh, s.rule_en, s.rule_zh) for s in rows],
            title=f"{name} · {first.status}{is_primary} · by {measure}",
        )
        out.print(" ".join(first.terms_en), "".join(first.terms_zh), sep="\n", markup=False, end="\n\n")
    _next("tierwise run")


# --- overrides ------------------------------------------------------------------------------------------------------


def _next_day() -> date:
    from tierwise import release

    current = release.repair().release_id
    return clock.next_day(configuration.company(), control.release(current).as_of if current else None)


@override_app.command("add")
def override_add(
    customer: Annotated[str, typer.Argument(help="A customer_key, a customer id, or source:id.")],
    policy: Annotated[str, typer.Option(help="The policy in which the customer is to have the tier.")] = "",
    tier: Annotated[str, typer.Option(help="The tier.")] = "",
    reason: Annotated[str, typer.Option(help="Why. Everybody who sees the tier sees it.")] = "",
    author: Annotated[str, typer.Option(help="Who answers for it.")] = "",
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD; by default the next run's.")] = "",
    last: Annotated[str, typer.Option("--until", help="Last day, YYYY-MM-DD; by default none.")] = "",
    as_json: Json = False,
) -> None:
    """Give a customer a tier by hand. Only a mark: the next run takes it in."""
    from tierwise import overrides
    from tierwise import policy as policies

    asked, older = overrides.add(
        customer,
        policy=policy,
        tier=tier,
        reason=reason,
        author=author,
        starts_on=clock.day(first) if first else None,
        ends_on=clock.day(last) if last else None,
        tiers={p.name: [t.tier for t in p.tiers] for p in policies.load() if not p.is_retired},
        next_day=_next_day(),
    )
    if as_json:
        _print_json(asked)
        return
    out.print(f"{asked.customer} is to be {asked.tier} in {asked.policy} {asked.days}.", markup=False)
    if older is not None:
        out.print(f"That replaces what {older.author} said: {older.tier} {older.days}.", markup=False)
    _next("tierwise run", "tierwise override list")


@override_app.command("end")
def override_end(
    customer: Annotated[str, typer.Argument(help="A customer_key, a customer id, or source:id.")],
    policy: Annotated[str, typer.Option(help="The policy in which the override stands.")] = "",
    on: Annotated[str, typer.Option(help="Its last day, YYYY-MM-DD; by default it ends with the next run.")] = "",
    reason: Annotated[str, typer.Option(help="Why it ends.")] = "",
    author: Annotated[str, typer.Option(help="Who answers for that.")] = "",
    as_json: Json = False,
) -> None:
    """End the override that a customer is under. Only a mark: the next run takes it in."""
    from tierwise import overrides

    ended, _ = overrides.end(
        customer,
        policy=policy,
        reason=reason,
        author=author,
        ends_on=clock.day(on) if on else None,
        next_day=_next_day(),
    )
    if as_json:
        _print_json(ended)
        return
    out.print(f"{ended.customer} is {ended.tier} in {ended.policy} {ended.days} only.", markup=False)
    _next("tierwise run", "tierwise override list")


@override_app.command("list")
def override_list(
    everything: Annotated[bool, typer.Option("--all", help="Also what expired or was replaced.")] = False,
    as_json: Json = False,
) -> None:
    """Overrides in force, upcoming, waiting for the next run, or sent back to their authors, and how to mend those."""
    from tierwise import overrides, release

    release.repair()
    _print_records([asdict(one) for one in overrides.overrides(everything=everything)], as_json)
    if not as_json:
        _next("tierwise why CUSTOMER", "tierwise run")


# --- quarantine -----------------------------------------------------------------------------------------------------


@quarantine_app.command("list")
def quarantine_list(as_json: Json = False) -> None:
    """Rows that stay outside, by delivery and reason."""
    from tierwise import quarantine

    overview = quarantine.overview()
    _print_records([asdict(o) for o in overview], as_json)
    if not as_json:
        _next(*([f"tierwise quarantine show {overview[0].delivery_id}"] if overview else []))


@quarantine_app.command("show")
def quarantine_show(
    delivery: Annotated[str, typer.Argument(help="A delivery, as `tierwise quarantine list` names it.")],
    limit: Annotated[int, typer.Option(help="At most so many rows.")] = 20,
    as_json: Json = False,
) -> None:
    """The rows of a delivery that stay outside, as they were delivered."""
    from tierwise import quarantine

    _print_records([asdict(r) for r in quarantine.rows(delivery, limit)], as_json)
    if not as_json:
        _next("mend the rows at the source and deliver them again, or leave them out in config/sources.yml")


# --- releases -------------------------------------------------------------------------------------------------------


@release_app.command("list")
def release_list(as_json: Json = False) -> None:
    """Every release, the newest first; the current one is marked."""
    from tierwise import release

    current = release.repair().release_id
    rows = [
        {
            "release_id": r.release_id,
            "is_current": r.release_id == current,
            "as_of": r.as_of,
            "parent": r.parent_release_id,
            "committed_at": r.committed_at.isoformat(timespec="seconds"),
            "is_kept": r.is_kept,
        }
        for r in reversed(control.releases())
    ]
    _print_records(rows, as_json)
    if not as_json:
        _next("tierwise release show", "tierwise release verify")


@release_app.command("show")
def release_show(
    release_id: Annotated[str, typer.Argument(help="By default the current one.")] = "",
    tiers: Annotated[bool, typer.Option("--tiers", help="Only the tiers.")] = False,
    as_json: Json = False,
) -> None:
    """What a release holds: its tiers, its marts, and the files it was built from."""
    from tierwise import manifest, release

    wanted = release_id or release.repair().release_id
    if wanted is None:
        raise ConfigurationRefused("There is no release yet.", hint="tierwise run")
    if tiers:
        _show_tiers(wanted, as_json)
        return
    held = manifest.read_release(wanted)
    if as_json:
        _print_json(held)
        return
    _show_tiers(wanted, as_json)
    _print_table(("mart", "rows", "hash"), [(m, c.rows, c.hash[:12]) for m, c in held.marts.items()], title="its marts")
    accepted = [(s, len(f), sum(x.rows for x in f)) for s, f in held.manifest.accepted.items()]
    _print_table(("stream", "files", "rows"), accepted, title=f"built from manifest {held.manifest.hash[:12]}")
    is_current = wanted == control.pointer().release_id
    _next(f"tierwise release verify {wanted}", *(() if is_current else (f"tierwise release rollback --to {wanted}",)))


@release_app.command("rollback")
def release_rollback(
    to: Annotated[str, typer.Option(help="A kept release; by default the one before the current one.")] = "",
    as_json: Json = False,
) -> None:
    """Point readers and the next night back to an earlier release: tables, decisions and state."""
    from tierwise import release

    now = release.rollback(to or None)
    if as_json:
        _print_json({"release_id": now})
        return
    out.print(f"The current release is {now} again; the next night goes on from there.")
    _next("tierwise run", "tierwise release list")


@release_app.command("verify")
def release_verify(
    release_id: Annotated[str, typer.Argument(help="By default the current one.")] = "", as_json: Json = False
) -> None:
    """Rebuild a release from its manifest in an empty folder and compare it, mart by mart."""
    from tierwise import release

    with _steps() as step:
        step("rebuild")
        compared = release.verify(release_id or None, step.node)
    _print_records([asdict(c) for c in compared], as_json)
    if not all(c.is_equal for c in compared):
        raise release.different(release_id or None)
    if not as_json:
        _next("tierwise release list")


# --- value models -----------------------------------------------------------------------------------------------------


@value_app.command("fit")
def value_fit() -> None:
    """Have the next run fit the value model anew; it does so by itself on the first day of a month."""
    control.ask_for_fit()
    out.print("The next run fits the value model anew.")
    _next("tierwise run", "tierwise value show")


@value_app.command("show")
def value_show(as_json: Json = False) -> None:
    """The card of the model that holds: parameters, how well it forecast what was held out, and what it lacks."""
    from tierwise import release, warehouse

    pointer = release.repair()
    if pointer.release_id is None:
        raise ConfigurationRefused("There is no release yet.", hint="tierwise run")
    database = settings().releases / pointer.release_id / warehouse.RELEASED
    columns, cards = warehouse.query(database, "select * from model_cards order by fitted_on desc limit 1")
    grouped, groups = warehouse.query(
        database,
        "select repeats, customers, expected, came from model_calibration where model_id = ? order by repeats",
        [cards[0][0] if cards else None],
    )
    if as_json:
        card = dict(zip(columns, cards[0], strict=True)) if cards else {}
        _print_json({**card, "calibration": [dict(zip(grouped, group, strict=True)) for group in groups]})
        return
    _print_table(
        ("what", "value"),
        [(n, _tidy(v)) for card in cards for n, v in zip(columns, card, strict=True) if v is not None],
    )
    if groups:
        _print_table(*_calibration(grouped, groups), title="what was held out, by repeated purchases before")
    _next("tierwise value fit", 'tierwise query "from model_cards"')


def _calibration(columns: list[str], groups: Sequence[Sequence[Any]]) -> tuple[list[str], list[list[Any]]]:
    """The table to the digit; on a terminal rounded, with a picture: two bars a group, in the scale of the largest."""
    if not sys.stdout.isatty():
        return columns, [[_tidy(value) for value in group] for group in groups]
    largest = max(value for group in groups for value in group[-2:]) or 1

    def bars(pair: Sequence[Any]) -> str:
        return "\n".join(bar * round(_BAR_WIDTH * value / largest) for bar, value in zip("█░", pair, strict=True))

    rows = [[*group[:2], *(f"{value:,.0f}" for value in group[-2:]), bars(group[-2:])] for group in groups]
    return [*columns, "█ expected  ░ came"], rows


# --- backups ---------------------------------------------------------------------------------------------------------


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A new folder, on another disk.")],
    as_json: Json = False,
) -> None:
    """Copy everything of value into a new folder, consistently while a run is going."""
    from tierwise import backup as backups

    with _steps() as step:
        step("copy")
        held = backups.write(target, step.node)
    if as_json:
        _print_json(held)
        return
    what = f"release {held.release_id}" if held.release_id else "a home without a release"
    out.print(f"{target} holds {what} and all it goes on from: {len(held.files):,} files.", markup=False)
    _next(f"tierwise restore {target}")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `tierwise backup` wrote.")],
    as_json: Json = False,
) -> None:
    """Make an empty home what it was when the backup was taken. Nothing is written over."""
    from tierwise import backup as backups
    from tierwise import release

    with _steps() as step:
        step("check and copy")
        restored = backups.restore(source, step.node)
        release.repair()
    if as_json:
        _print_json(restored)
        return
    out.print(
        f"The current release is {restored.release_id or 'none yet'}, as when the backup was taken.", markup=False
    )
    if not restored.config_restored:
        differs = f", and differs from the backup's in {', '.join(restored.config_differs)}"
        out.print(f"config/ was left as it is{differs if restored.config_differs else ''}.", markup=False)
    _next("tierwise run", "tierwise release verify")


# --- how answers look -----------------------------------------------------------------------------------------------


class _Progress:
    """One line a step as it ends, with its seconds; at a terminal, what is at work stands below it."""

    def __init__(self, status: Status | None) -> None:
        self._status = status
        self._name = ""
        self._since = time.monotonic()

    def __call__(self, name: str) -> None:
        self.finish()
        self._name = name.replace("_", " ")
        self._since = time.monotonic()
        if self._status is not None:
            self._status.update(f"{self._name} …")

    def node(self, name: str, done: int, total: int) -> None:
        if self._status is not None:
            self._status.update(f"{self._name} … {done}/{total} {name[:50]}")

    def finish(self) -> None:
        if self._name:
            err.print(f"  ✓ {self._name:<22} {time.monotonic() - self._since:6.1f} s", markup=False)
            self._name = ""


@contextmanager
def _steps() -> Iterator[_Progress]:
    if err.is_terminal:
        with err.status("") as status:
            progress = _Progress(status)
            yield progress
            progress.finish()
    else:
        progress = _Progress(None)
        yield progress
        progress.finish()


@contextmanager
def _remembering(run_id: str) -> Iterator[None]:
    """Whatever ends a run early is written down; the next release shows it in `ops_runs`."""
    try:
        yield
    except BaseException as problem:
        said = problem.sentence if isinstance(problem, Refusal) else type(problem).__name__
        control.fail_run(run_id, said)
        raise


def _percent(share: Decimal | None) -> str:
    """A share of nobody is none."""
    return "" if share is None else f"{share:.1%}"


def _tidy(value: Any) -> Any:
    """A decimal without its empty places: 5303.4800 is 5303.48."""
    return value.normalize().__format__("f") if isinstance(value, Decimal) else value


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    if not sys.stdout.isatty():
        if title:
            out.print(title, markup=False)
        print("\t".join(columns))
        for row in rows:
            print("\t".join("" if v is None else str(v) for v in row))
        return
    table = Table(title=title, title_justify="left")
    shown = [["" if v is None else str(v) for v in row] for row in rows]
    for n, column in enumerate(columns):
        is_number = all(not row[n] or (row[n][0] in "-0123456789" and not row[n].count("-") > 1) for row in shown)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in shown:
        table.add_row(*row)
    if Measurement.get(out, out.options.update(max_width=10_000), table).maximum <= out.width:
        out.print(table)
        return
    if title:
        out.print(title, style="italic", markup=False)
    for row in shown:  # too wide for this terminal: one block a row, nothing folded
        out.print("\n".join(f"{column:<24} {value}" for column, value in zip(columns, row, strict=True)), markup=False)
        out.print()


def _print_records(records: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        _print_json(records)
    elif records:
        _print_table(list(records[0]), [list(r.values()) for r in records])
    else:
        out.print("Nothing.")


def _print_json(value: Any) -> None:
    def plain(thing: Any) -> Any:
        if is_dataclass(thing) and not isinstance(thing, type):
            return asdict(thing)
        return str(thing)

    if isinstance(value, list):
        value = [plain(v) if is_dataclass(v) else v for v in value]
    print(json.dumps(plain(value) if is_dataclass(value) else value, default=plain, ensure_ascii=False, indent=1))


def _next(*commands: str) -> None:
    if commands:
        err.print("\nNext: " + "   ·   ".join(map(_as_called, commands)), markup=False)


def _as_called(text: str) -> str:
    """Commands as this person can type them: with the path of the environment where it is not on the PATH."""
    if shutil.which("tierwise"):
        return text
    return re.sub(r"(?<![\w/.])tierwise (?=[a-z])", ".venv/bin/tierwise ", text)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: an answer and an exit code, never a traceback."""
    try:
        app(args=arguments, standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Exception as problem:  # noqa: BLE001 - the last door: whatever comes here is answered
        refusal = _answer_to(problem)
        err.print(refusal.sentence, style="bold red", markup=False)
        if refusal.hint:
            err.print(f"What to do: {_as_called(refusal.hint)}", markup=False)
        return refusal.exit_code
    return 0


def _answer_to(problem: Exception) -> Refusal:
    if isinstance(problem, Refusal) and not isinstance(problem, OurFailure):
        return problem
    if (answer := want_of_room(problem)) is not None:
        return answer
    return problem if isinstance(problem, OurFailure) else _failure_of_ours(problem)


def _failure_of_ours(problem: Exception) -> OurFailure:
    import traceback

    sentence = f"A failure of ours ({type(problem).__name__}); the current release stays as it is."
    log = settings().var / "logs" / "failure.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(traceback.format_exception(problem)))
    except OSError as also:
        at = traceback.extract_tb(problem.__traceback__)[-1]  # where, not the message: it may quote a customer
        hint = f"let {log} be written ({also.strerror}) and run again; it was at {Path(at.filename).name}:{at.lineno}"
        return OurFailure(sentence, hint=hint)
    return OurFailure(sentence, hint=f"look into {log}, and report it")


if __name__ == "__main__":
    sys.exit(main())
