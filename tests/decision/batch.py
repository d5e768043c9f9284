"""Many cases as one company: each a policy of its own, in one build file, decided by the dbt project at once."""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

import duckdb

from tierwise import warehouse
from tierwise.policy.rules import TABLES

from .cases import COMPLAINTS, FORECAST, MEASURES, refits
from .oracle import PARTS, Case, Decision, Part, Policy

Rows = list[dict[str, Any]]
Got = dict[tuple[str, date, str], dict[str, Any]]  # case, day, customer -> the columns decided

STATE = ("tier_states", "policy_states", "policy_line_states", "tier_decisions", "policy_days")
LOGS = {  # relation of the build that holds the whole log, the parent's and the run's
    "tier_decisions": "intermediate.int_tier_log__appended",
    "policy_days": "intermediate.int_policy_days__decided",
}
DESCRIBED = {
    "as_of": "date",
    "customer_key": "varchar",
    "subject_type": "varchar",
    "industry": "varchar",
    "region": "varchar",
    "company_size": "varchar",
    "channel": "varchar",
    "account_manager_id": "varchar",
    "source": "varchar",
    "customer_id": "varchar",
    "known_on": "date",
}
OVERRIDES = {
    "policy": "varchar",
    "customer_key": "varchar",
    "tier": "varchar",
    "starts_on": "date",
    "ends_on": "date",
    "reason": "varchar",
    "author": "varchar",
    "source": "varchar",
    "customer_id": "varchar",
    "known_on": "date",
    "replaced_on": "date",
    "sent_back_because": "varchar",
    "delivery_id": "varchar",
    "row_number": "bigint",
}
EXISTING = {
    "policy": "varchar",
    "customer_key": "varchar",
    "tier": "varchar",
    "author": "varchar",
    "because": "varchar",
    "known_on": "date",
    "replaced_on": "date",
    "source": "varchar",
    "customer_id": "varchar",
    "sent_back_because": "varchar",
}
_VALUED = "intermediate.int_customers__valued"
COMPARED = (
    "policy_version",
    "tier",
    "tier_rank",
    "graded",
    "reason",
    "cause",
    "decision_rows",
    "is_limited_by_steps",
    "tier_since",
    "by_override",
    "wanted_tier",
    "score",
    "rank_position",
    "from_tier",
    "from_graded",
    "is_new",
    "is_change",
    "changed_from",
    "score_before",
    *(f"part_{part}" for part in PARTS),
    "runs",
)


# --- what the decision reads


def tables(cases: Sequence[Case], days: Sequence[date], since: date | None = None) -> dict[str, Rows]:
    """The rows of every table, for these run days. `since`: the day before the first, of which the values are known."""
    wanted, known = set(days), {*days, since}
    found: dict[str, Rows] = {
        "inputs.run_days": [{"as_of": day} for day in days],
        "inputs.company": [{"currency": "EUR", "time_zone": "Europe/Berlin"}],
        "intermediate.int_customers__valued": [],
        "intermediate.int_customers__described": [],
        "intermediate.int_tier_overrides__judged": [],
        "intermediate.int_existing_tiers__judged": [],
        **{f"inputs.{name}": [] for name in (*TABLES, *STATE, "customer_values", *warehouse.VALUE_INPUTS)},
    }
    for position, case in enumerate(cases, start=1):
        _lay_values(found, case, wanted, known)
        _lay_what_people_say(found, case)
        in_force = {day: p for day in days if (p := case.policy(day))}
        found["inputs.policies_in_force"] += [{"as_of": day, **_key(case, p)} for day, p in in_force.items()]
        before = case.policy(since) if since and in_force else None
        for policy in {p.version: p for p in (*in_force.values(), before) if p}.values():
            _lay_policy(found, case, policy, position)
    if since is not None:
        found["inputs.customer_values"].append({"as_of": since, "customer_key": "anybody"})
    return found


def _key(case: Case, policy: Policy) -> dict[str, Any]:
    return {"policy": case.name, "policy_version": policy.version}


def _lay_models(found: dict[str, Rows], case: Case) -> dict[date, str]:
    """The model that holds on each day of the case. Cases of one batch are decided on the same days, by the same models."""
    fits = (case.days[0], *refits(case.days))
    if not found["inputs.model_cards"]:
        found["inputs.model_cards"] = [
            {"model_id": f"m{day}", "fitted_on": day, "status": "fitted", "buyers": 1, "repeat_buyers": 1}
            for day in fits
        ]
    return {day: f"m{max(fit for fit in fits if fit <= day)}" for day in case.days}


def _lay_values(found: dict[str, Rows], case: Case, wanted: set[date], known: set[date | None]) -> None:
    """A customer of no interest to its case lives in no region: `region` is what keeps the cases apart."""
    before = dict(zip(case.days[1:], case.days, strict=False))
    models = _lay_models(found, case)
    for (day, basis, customer), value in case.values.items():
        if basis != "refitted" and (day in wanted or (day in known and basis == "day")):
            cell = {"repeat_purchases": 0, "age_at_last_purchase_days": 0, "age_days": len(found[_VALUED])}
            forecasts = {models[before[day] if basis == "corrected" else day]: value.numbers.get(FORECAST)}
            for after, previous in before.items():  # the past once more, by the model of the day after
                is_past = (day, basis) == (after, "corrected") or (
                    (day, basis) == (previous, "day") and (after, "corrected", customer) not in case.values
                )
                refitted = case.values.get((after, "refitted", customer)) if is_past else None
                if refitted is not None:
                    forecasts[models[after]] = refitted.numbers.get(FORECAST)
            found["inputs.value_cell_scores"] += [
                {"model_id": model, **cell, FORECAST: _decimal(forecast)} for model, forecast in forecasts.items()
            ]
            found[_VALUED].append(
                {
                    "as_of": day,
                    "basis": basis,
                    "customer_key": customer,
                    "window_ends_on": before[day] if basis == "corrected" else day,
                    "known_on": case.days[0],
                    "first_sale_on": value.first_sale_on,
                    "first_purchased_on": value.first_sale_on,
                    "last_purchased_on": value.first_sale_on,
                    **{m: _decimal(value.numbers.get(m)) for m in (*MEASURES, COMPLAINTS) if m != FORECAST},
                    **cell,
                }
            )
    found["intermediate.int_customers__described"] += [
        {
            "as_of": day,
            "customer_key": customer,
            "source": "shop",
            "customer_id": customer,
            "known_on": case.days[0],
            **attributes,
            "region": case.name if attributes.get("region") else None,
        }
        for (day, customer), attributes in case.attributes.items()
        if day in known
    ]


def _lay_what_people_say(found: dict[str, Rows], case: Case) -> None:
    said = {"policy": case.name, "author": "us", "source": "desk"}
    found["intermediate.int_tier_overrides__judged"] += [
        {
            **said,
            "customer_key": o.customer,
            "customer_id": o.customer,
            "tier": o.tier,
            "starts_on": o.starts_on,
            "ends_on": o.ends_on,
            "reason": "we know better",
            "known_on": o.known_on,
            "replaced_on": o.replaced_on,
            "delivery_id": "d1",
            "row_number": n,
        }
        for n, o in enumerate(case.overrides, start=1)
    ]
    found["intermediate.int_existing_tiers__judged"] += [
        {
            **said,
            "customer_key": e.customer,
            "customer_id": e.customer,
            "tier": e.tier,
            "because": "always was",
            "known_on": e.known_on,
            "replaced_on": e.replaced_on,
        }
        for e in case.existing
    ]


def _lay_policy(found: dict[str, Rows], case: Case, policy: Policy, position: int) -> None:
    key = _key(case, policy)
    found["inputs.policies"].append(
        {
            **key,
            "policy_status": "active",
            "is_primary": position == 1,
            "label_en": case.name,
            "label_zh": case.name,
            "currency": "EUR",
            "measure": policy.measure,
            "is_scored": bool(policy.score),
            "rank_within": policy.rank_within,
            "after_days": policy.after_days,
            "otherwise_graded": policy.otherwise,
            "minimum_coverage": _decimal(policy.minimum_coverage),
            "promotion_band": _decimal(policy.promotion_band, 10),
            "demotion_band": _decimal(policy.demotion_band, 10),
            "minimum_stay_days": policy.minimum_stay_days,
            "grace_days": policy.grace_days,
            "confirm_days": policy.confirm_days,
            "maximum_steps_down": policy.maximum_steps_down,
            "review_calendar": policy.review_calendar,
            "position": position,
        }
    )
    found["inputs.policy_then_by"] += [
        {**key, "position": n, "measure": measure} for n, measure in enumerate(policy.then_by, start=1)
    ]
    found["inputs.policy_applies_to"] += [
        {**key, "attribute": attribute, "value": case.name if attribute == "region" else value}
        for attribute, accepted in policy.applies_to
        for value in sorted(accepted)
    ]
    _lay_score(found, key, policy)
    for rank, tier in enumerate(policy.tiers, start=1):
        only = tier.conditions[0] if len(tier.conditions) == 1 and tier.kind != "all" else None
        found["inputs.policy_tiers"].append(
            {
                **key,
                "tier": tier.name,
                "tier_rank": rank,
                "label_en": tier.name,
                "label_zh": tier.name,
                "rule_kind": tier.kind,
                "share": _decimal(only.line, 10) if only and only.kind == "top_share" else None,
                "bound": _decimal(only.line) if only and only.kind != "top_share" else None,
                "seat_cap": tier.seat_cap,
            }
        )
        found["inputs.policy_conditions"] += [
            {
                **key,
                "tier": tier.name,
                "tier_rank": rank,
                "position": n,
                "measure": c.measure or policy.measure,
                "condition_kind": c.kind,
                "share": _decimal(c.line, 10) if c.kind == "top_share" else None,
                "bound": _decimal(c.line) if c.kind != "top_share" else None,
            }
            for n, c in enumerate(tier.conditions, start=1)
        ]


def _lay_score(found: dict[str, Rows], key: dict[str, Any], policy: Policy) -> None:
    of_dimension = {part.dimension: part.dimension_weight for part in policy.score}
    of_all = [
        part.dimension_weight / sum(of_dimension.values()) * part.weight / _weight_within(policy, part)
        for part in policy.score
    ]
    whole = lcm(*(share.denominator for share in of_all))
    for position, (part, share) in enumerate(zip(policy.score, of_all, strict=True), start=1):
        found["inputs.policy_score_parts"].append(
            {
                **key,
                "position": position,
                "dimension": part.dimension,
                "dimension_weight": _decimal(part.dimension_weight),
                "measure": part.measure,
                "more_is_better": not part.less_is_better,
                "scored_by": part.scored_by,
                "weight": _decimal(part.weight),
                "neutral": _decimal(policy.neutral),
                "coverage_units": int(share * whole),
                "coverage_total": whole,
            }
        )
        found["inputs.policy_points"] += [
            {**key, "position": position, "at_least": _decimal(at_least), "points": _decimal(points)}
            for at_least, points in part.bands
        ]


def _weight_within(policy: Policy, part: Part) -> Fraction:
    return sum((one.weight for one in policy.score if one.dimension == part.dimension), start=Fraction(0))


def _decimal(value: Fraction | Decimal | None, places: int = 4) -> Decimal | None:
    """The same number; one that needs more places than the column has is a mistake of the case."""
    if value is None:
        return None
    whole = Fraction(value) * 10**places
    assert whole.denominator == 1, value
    return Decimal(whole.numerator).scaleb(-places)


def _columns(table: str) -> dict[str, str]:
    schema, name = table.split(".")
    if schema == "inputs":
        known = {
            "run_days": {"as_of": "date"},
            "company": {"currency": "varchar", "time_zone": "varchar"},
            **TABLES,
        }
        return known.get(name) or warehouse.input_columns(name)
    return {
        "int_customers__valued": warehouse.input_columns("customer_values"),
        "int_customers__described": DESCRIBED,
        "int_tier_overrides__judged": OVERRIDES,
        "int_existing_tiers__judged": EXISTING,
    }[name]


def lay(build_file: Path, found: Mapping[str, Rows], shuffle: random.Random | None = None) -> Path:
    """Write the tables into a new build file; with `shuffle`, their rows in another order."""
    build_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(build_file)) as d, tempfile.TemporaryDirectory() as folder:
        for schema in ("inputs", "intermediate"):
            d.execute(f"create schema {schema}")
        for table, rows in found.items():
            columns = _columns(table)
            d.execute(f"create table {table} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
            if shuffle:
                rows = shuffle.sample(rows, len(rows))  # noqa: PLW2901
            _fill(d, table, columns, rows, Path(folder) / "rows.csv")
    return build_file


def _fill(d: Any, table: str, columns: Mapping[str, str], rows: Rows, file: Path) -> None:
    if not rows:
        return
    strange = {name for row in rows for name in row} - set(columns)
    assert not strange, (table, strange)
    if any(isinstance(value, list | dict) for row in rows for value in row.values()):
        d.executemany(
            f"insert into {table} values ({', '.join('?' for _ in columns)})",
            [[r.get(c) for c in columns] for r in rows],
        )
        return
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([row.get(column) for column in columns] for row in rows)
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    d.execute(f"insert into {table} from read_csv('{file}', header = false, columns = {{{types}}}, nullstr = '')")


# --- what it decides


def decided(build_file: Path) -> Got:
    """Run the decision's part of the project over a build file, and read what it decided."""
    warehouse.build(build_file, "decision")
    rows = read(build_file, "from intermediate.int_tier_decisions__decided")
    found = {(row["policy"], row["as_of"], row["customer_key"]): row for row in rows}
    assert len(found) == len(rows), "a customer was decided twice on one day"
    return found


def decide_at_once(folder: Path, cases: Sequence[Case], shuffle: random.Random | None = None) -> Got:
    """Every day of the cases in one go, as a backfill does."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    return decided(lay(folder / "build.duckdb", tables(cases, cases[0].days), shuffle))


def decide_by_nights(folder: Path, cases: Sequence[Case]) -> tuple[Got, Path]:
    """One day after the other, each from what the one before left. Also the build file of the last night."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    found: Got = {}
    carried: dict[str, Rows] = {}
    since: date | None = None
    for day in cases[0].days:
        build_file = lay(folder / str(day) / "build.duckdb", tables(cases, [day], since) | carried)
        found |= decided(build_file)
        carried, since = _left_behind(build_file, day, carried), day
    return found, build_file


def _left_behind(build_file: Path, day: date, carried: Mapping[str, Rows]) -> dict[str, Rows]:
    """What a release keeps of a night for the next one. The values of the day are laid anew, with its description."""
    kept = {name: f"{held} and as_of = date '{day}'" for name, held in warehouse.STATES.items() if name in STATE}
    kept |= {name: held for name, held in warehouse.LOGS.items() if name in STATE}
    assert kept.keys() == set(STATE)
    left = {}
    for name, held in kept.items():
        rows = read(build_file, f"select {', '.join(warehouse.input_columns(name))} from {held}")
        left[f"inputs.{name}"] = (carried.get(f"inputs.{name}", []) if name in LOGS else []) + rows
    return left


def read(build_file: Path, sql: str) -> Rows:
    with duckdb.connect(str(build_file), read_only=True) as d:
        result = d.execute(sql)
        names = [c[0] for c in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def logged(build_file: Path) -> dict[str, list[str]]:
    """Every row of the logs, in an order of its own."""
    return {
        name: sorted(map(str, read(build_file, f"select {', '.join(warehouse.input_columns(name))} from {held}")))
        for name, held in LOGS.items()
    }


def shortened(case: Case, days: int | None) -> Case:
    """The case as if it ended sooner: what comes later concerns no earlier day."""
    return replace(case, days=case.days[:days])


# --- the two side by side


def expected(decision: Decision) -> dict[str, Any]:
    """A decision of the oracle in the columns of the table."""
    row = {f.name: getattr(decision, f.name) for f in fields(decision)}
    row |= {f"part_{part}": decision.parts[part] if decision.parts is not None else None for part in PARTS}
    row["runs"] = sorted(
        (
            r.kind,
            r.tier,
            str(r.since),
            r.cause,
            _text(r.score_before),
            *(_text(r.parts[part]) for part in PARTS),
        )
        for r in decision.runs
    )
    return row


def _got_runs(runs: Iterable[Mapping[str, Any]] | None) -> list[tuple[Any, ...]]:
    return sorted(
        (
            r["kind"],
            r["tier"],
            str(r["since"]),
            r["cause"],
            _text(r["score_before"]),
            *(_text(r[f"part_{part}"]) for part in PARTS),
        )
        for r in runs or ()
    )


def _text(number: Fraction | Decimal | None) -> str | None:
    return None if number is None else str(Fraction(number))


def differences(case: Case, decisions: Sequence[Decision], got: Got) -> list[str]:
    """What the table says otherwise than the oracle, with all that one needs to see who is right."""
    ours = {(d.as_of, d.customer): d for d in decisions}
    theirs = {(day, customer): row for (name, day, customer), row in got.items() if name == case.name}
    told = []
    for at in sorted(ours.keys() | theirs.keys()):
        if at not in ours or at not in theirs:
            told.append(f"{case.name} {at[0]} {at[1]}: decided by {'the oracle' if at in ours else 'SQL'} alone")
            told[-1] += f": {ours.get(at) or theirs.get(at)}"
            continue
        want, has = expected(ours[at]), {**theirs[at], "runs": _got_runs(theirs[at]["runs"])}
        told += [
            f"{case.name} {at[0]} {at[1]}: {column} expected {_shown(want[column])}, got {_shown(has[column])}"
            f" (row {want['decision_rows']} {want['reason']} here, {has['decision_rows']} {has['reason']} there)"
            for column in COMPARED
            if _shown(want[column]) != _shown(has[column])
        ]
    return told


def _shown(value: Any) -> str:
    return str(Fraction(value)) if isinstance(value, Decimal | Fraction) else str(value)


def picture(case: Case, day: date) -> str:
    """The company on a day: its policy, and every customer's attributes and values."""
    policy = case.policy(day)
    before = max((d for d in case.days if d < day), default=None)
    lines = [f"{case.name} on {day} (before: {before})", f"  {policy}", f"  before: {before and case.policy(before)}"]
    for (on, customer), attributes in case.attributes.items():
        if on == day:
            lines.append(f"  {customer} {attributes}")
            for at, basis in ((before, "day"), (day, "corrected"), (day, "refitted"), (day, "slid"), (day, "day")):
                value = case.values.get((at, basis, customer)) if at else None
                if value:
                    numbers = {m: v if v is None else str(v) for m, v in value.numbers.items()}
                    lines.append(f"    {at} {basis:9} first {value.first_sale_on} {numbers}")
    return "\n".join(lines + [f"  {o}" for o in case.overrides] + [f"  {e}" for e in case.existing])
