"""A policy as one canonical text with a version, and as the rule tables that one SQL joins."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import lcm
from pathlib import Path
from typing import Any

from tierwise import configuration, control, manifest
from tierwise.configuration import Lines
from tierwise.errors import ConfigurationRefused, OurFailure
from tierwise.policy import checks
from tierwise.policy.catalogue import Measure, measures
from tierwise.policy.grammar import PolicyEntry, PolicyFile, Tier
from tierwise.policy.written import plain
from tierwise.settings import settings

VERSION_LENGTH = 12

TABLES: dict[str, dict[str, str]] = {
    "policies_in_force": {"as_of": "date", "policy": "varchar", "policy_version": "varchar"},
    "policies": {
        "policy": "varchar",
        "policy_version": "varchar",
        "policy_status": "varchar",
        "is_primary": "boolean",
        "label_en": "varchar",
        "label_zh": "varchar",
        "owner": "varchar",
        "currency": "varchar",
        "measure": "varchar",
        "is_scored": "boolean",
        "rank_within": "varchar",
        "after_days": "integer",
        "otherwise_graded": "varchar",
        "minimum_coverage": "decimal(18, 4)",
        "promotion_band": "decimal(18, 10)",
        "demotion_band": "decimal(18, 10)",
        "minimum_stay_days": "integer",
        "grace_days": "integer",
        "confirm_days": "integer",
        "maximum_steps_down": "integer",
        "review_calendar": "varchar",
        "position": "integer",
    },
    "policy_then_by": {
        "policy": "varchar",
        "policy_version": "varchar",
        "position": "integer",
        "measure": "varchar",
    },
    "policy_applies_to": {
        "policy": "varchar",
        "policy_version": "varchar",
        "attribute": "varchar",
        "value": "varchar",
    },
    "policy_score_parts": {
        "policy": "varchar",
        "policy_version": "varchar",
        "position": "integer",
        "dimension": "varchar",
        "dimension_weight": "decimal(18, 4)",
        "measure": "varchar",
        "more_is_better": "boolean",
        "scored_by": "varchar",
        "weight": "decimal(18, 4)",
        "neutral": "decimal(18, 4)",
        "coverage_units": "bigint",
        "coverage_total": "bigint",
    },
    "policy_points": {
        "policy": "varchar",
        "policy_version": "varchar",
        "position": "integer",
        "at_least": "decimal(18, 4)",
        "points": "decimal(18, 4)",
    },
    "policy_tiers": {
        "policy": "varchar",
        "policy_version": "varchar",
        "tier": "varchar",
        "tier_rank": "integer",
        "label_en": "varchar",
        "label_zh": "varchar",
        "rule_kind": "varchar",
        "share": "decimal(18, 10)",
        "bound": "decimal(18, 4)",
        "seat_cap": "bigint",
    },
    "policy_conditions": {
        "policy": "varchar",
        "policy_version": "varchar",
        "tier": "varchar",
        "tier_rank": "integer",
        "position": "integer",
        "measure": "varchar",
        "condition_kind": "varchar",
        "share": "decimal(18, 10)",
        "bound": "decimal(18, 4)",
    },
}

InForce = Sequence[tuple[date, "Policy"]]
"""Which version decides on which day: policies in the order of their file, the days of each in their own."""


@dataclass(frozen=True)
class Policy:
    """A policy under its name, with the currency of its bounds settled (None where no measure of it is money)."""

    name: str
    entry: PolicyEntry
    currency: str | None

    @property
    def tiers(self) -> list[Tier]:
        return self.entry.tiers

    @property
    def is_retired(self) -> bool:
        return self.entry.status == "retired"

    def is_in_force_on(self, day: date) -> bool:
        """Whether its own day has come."""
        return self.entry.valid_from is None or self.entry.valid_from <= day

    @cached_property
    def text(self) -> str:
        """Canonical JSON of everything the policy says: what is left out and what is written as its default are one."""
        said = self.entry.model_dump(exclude_defaults=True)
        for condition in (condition for tier in said["tiers"] for condition in tier.get("all", ())):
            if condition.get("measure") == self.entry.measure:
                del condition["measure"]
        return _canonical(said | ({"currency": self.currency} if self.currency else {}))

    @cached_property
    def version(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:VERSION_LENGTH]

    @classmethod
    def from_text(cls, name: str, text: str) -> Policy:
        """The policy that a canonical text of the control store stands for."""
        entry = PolicyEntry.model_validate(json.loads(text, parse_float=Decimal))
        return cls(name, entry, entry.currency)


def policy_file() -> Path:
    return settings().config / "tier_policies.yml"


def load(path: Path | None = None) -> list[Policy]:
    """Every policy of the file, in its order. ConfigurationRefused names all that is wrong, with file and line."""
    return _read(path)[0]


def check(path: Path | None = None) -> list[str]:
    """Refuse as `load` does; else what is allowed and probably not meant, each with file and line."""
    policies, catalogue, lines = _read(path)
    found = checks.warnings({policy.name: policy.entry for policy in policies}, catalogue)
    said = [f"{lines.at(*finding.place)}: {finding.sentence}." for finding in found]
    return [*_who_may_change_it(path or policy_file(), lines.file), *said]


def _who_may_change_it(path: Path, file: str) -> Iterator[str]:
    if path.is_symlink() and not path.resolve().is_relative_to(settings().home.resolve()):
        yield f"{file}: this is a link to {path.resolve()}, outside of this installation; a copy cannot change unseen."
    if path.stat().st_mode & stat.S_IWOTH:
        yield f"{file}: everybody on this machine may change it; `chmod o-w {file}` leaves that to its owner."


def _read(path: Path | None) -> tuple[list[Policy], dict[str, Measure], Lines]:
    described, lines = configuration.load_with_lines(path or policy_file(), PolicyFile)
    entries, catalogue, currency = described.root, measures(), configuration.company().currency
    problems = [
        (lines.line(*place), f"{lines.at(*place)}: {sentence}.")
        for place, sentence in checks.problems(entries, catalogue, currency)
    ]
    if problems:
        raise configuration.refusal(problems)
    policies = [
        Policy(name, entry, currency if any(catalogue[measure].unit == "money" for measure in entry.measures) else None)
        for name, entry in entries.items()
    ]
    return policies, catalogue, lines


# --- versions in force ----------------------------------------------------------------------------------------------


def adopt(run_id: str) -> list[Policy]:
    """Keep the texts of the versions in force in this run, and lay its rule tables beside its other inputs.

    Returns those versions. Raises ConfigurationRefused where a day of the run would have no primary policy, or two.
    """
    run = control.run(run_id)
    stored = [row for row in control.policy_versions() if row["first_as_of"] <= run.as_of]
    kept = {(row["policy"], row["version"]): row["text"] for row in stored}

    def before(name: str, version: str) -> Policy:
        if (name, version) not in kept:
            raise OurFailure(
                f"version {version} of the policy {name} is in force, and its text is not in the control store",
                hint="restore the control store that belongs to the current release",
            )
        return Policy.from_text(name, kept[name, version])

    decided = manifest.starting_point(run).policy_versions
    versions = versions_in_force(load(), run.days, decided, before)
    firsts = _first_days(versions)
    for day, policy in firsts:
        control.add_policy_version(policy.name, policy.version, policy.text, day)
    parents = [before(name, version) for name, version in decided.items()]
    write_rule_tables(versions, run.work / "inputs", parents, [before(name, version) for name, version in kept])
    return [policy for _, policy in firsts]


def versions_in_force(
    policies: Sequence[Policy], days: Sequence[date], decided: Mapping[str, str], before: Callable[[str, str], Policy]
) -> list[tuple[date, Policy]]:
    """Which version of each policy of the file counts on each day of a run.

    Until the `valid_from` of the file's version, it is the one that decided on the last decided day (`decided`, a
    version by policy, read by `before`); a policy that has none is not in force yet. Raises ConfigurationRefused where a
    day would not have exactly one primary policy.
    """
    versions = []
    for policy in policies:
        waits = policy.name in decided and not all(policy.is_in_force_on(day) for day in days)
        until_then = before(policy.name, decided[policy.name]) if waits else None
        for day in days:
            in_force = policy if policy.is_in_force_on(day) else until_then
            if in_force is not None:
                versions.append((day, in_force))
    for day in days:
        _one_primary_on(day, [policy for when, policy in versions if when == day], policies)
    return versions


def _one_primary_on(day: date, versions: Sequence[Policy], policies: Sequence[Policy]) -> None:
    primaries = [policy.name for policy in versions if policy.entry.primary]
    if len(primaries) == 1:
        return
    found = f"{' and '.join(primaries)} are both primary" if primaries else "no primary policy is in force"
    standing = {policy.name for policy in versions}
    why = "".join(
        f"; what the file says of {policy.name} counts from {policy.entry.valid_from} on, and "
        + ("until then the version before does" if policy.name in standing else "there is no version before it")
        for policy in policies
        if not policy.is_in_force_on(day)
    )
    raise ConfigurationRefused(
        f"config/tier_policies.yml: on {day} {found}{why}.",
        hint="exactly one policy is primary on every day: give those that change places the same valid_from"
        if primaries
        else f"let the valid_from of the primary policy be {day} or earlier, or run a later day",
    )


def _first_days(versions: InForce) -> list[tuple[date, Policy]]:
    """Every version once, with the first day it is in force."""
    firsts: dict[tuple[str, str], tuple[date, Policy]] = {}
    for day, policy in versions:
        firsts.setdefault((policy.name, policy.version), (day, policy))
    return list(firsts.values())


# --- rule tables ----------------------------------------------------------------------------------------------------


def write_rule_tables(
    versions: InForce, folder: Path, parents: Sequence[Policy] = (), known: Sequence[Policy] = ()
) -> None:
    """One Parquet file per table of TABLES. Retired policies decide nothing and are left out.

    `parents` are the versions that decided on the day before: what they would say tells a change of policy from one of
    customers. Of the other `known` versions only the tiers are told: what people said of them stays what it was.
    """
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    rows = rule_tables(versions, parents, known)
    with duckdb.connect() as engine:
        for table, columns in TABLES.items():
            engine.execute(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
            if rows[table]:
                values = ", ".join("?" for _ in columns)
                engine.executemany(
                    f"insert into {table} values ({values})", [list(row.values()) for row in rows[table]]
                )
            engine.table(table).write_parquet(str(folder / f"{table}.parquet"))


def rule_tables(
    versions: InForce, parents: Sequence[Policy] = (), known: Sequence[Policy] = ()
) -> dict[str, list[dict[str, Any]]]:
    """The rows of TABLES, columns in their order."""
    deciding = [(day, policy) for day, policy in versions if not policy.is_retired]
    positions = {name: n for n, name in enumerate(dict.fromkeys(policy.name for _, policy in deciding), start=1)}
    ruling = [policy for _, policy in _first_days(deciding)]
    policies = list({_of(policy): policy for policy in (*ruling, *parents) if policy.name in positions}.values())
    told = {_of(policy): policy for policy in (*policies, *known) if not policy.is_retired}
    return {
        "policies_in_force": [{"as_of": day, **_key(policy)} for day, policy in deciding],
        "policies": [_policy_row(policy, positions[policy.name]) for policy in policies],
        "policy_then_by": [
            {**_key(policy), "position": position, "measure": measure}
            for policy in policies
            for position, measure in enumerate(policy.entry.then_by, start=1)
        ],
        "policy_applies_to": [
            {**_key(policy), "attribute": attribute, "value": value}
            for policy in policies
            for attribute, values in policy.entry.applies_to.items()
            for value in values
        ],
        "policy_score_parts": [row for policy in policies for row in _part_rows(policy)],
        "policy_points": [
            {**_key(policy), "position": position, "at_least": band.at_least, "points": band.points}
            for policy in policies
            for _, _, position, part in (policy.entry.score.each() if policy.entry.score else ())
            for band in part.points or ()
        ],
        "policy_tiers": [
            _tier_row(policy, tier, rank) for policy in told.values() for rank, tier in enumerate(policy.tiers, start=1)
        ],
        "policy_conditions": [
            row
            for policy in policies
            for rank, tier in enumerate(policy.tiers, start=1)
            for row in _condition_rows(policy, tier, rank)
        ],
    }


def _of(policy: Policy) -> tuple[str, str]:
    return policy.name, policy.version


def _key(policy: Policy) -> dict[str, Any]:
    return {"policy": policy.name, "policy_version": policy.version}


def _policy_row(policy: Policy, position: int) -> dict[str, Any]:
    entry, stability = policy.entry, policy.entry.stability
    return {
        **_key(policy),
        "policy_status": entry.status,
        "is_primary": entry.primary,
        "label_en": entry.labels.en,
        "label_zh": entry.labels.zh,
        "owner": entry.owner,
        "currency": policy.currency,
        "measure": entry.measure,
        "is_scored": entry.score is not None,
        "rank_within": entry.rank_within,
        "after_days": entry.eligible.after_days,
        "otherwise_graded": entry.eligible.otherwise,
        "minimum_coverage": entry.eligible.minimum_coverage,
        "promotion_band": stability.promotion_band,
        "demotion_band": stability.demotion_band,
        "minimum_stay_days": stability.minimum_stay_days,
        "grace_days": stability.grace_days,
        "confirm_days": stability.confirm_days,
        "maximum_steps_down": stability.maximum_steps_down,
        "review_calendar": entry.review_calendar,
        "position": position,
    }


def _part_rows(policy: Policy) -> Iterator[dict[str, Any]]:
    """The parts of a policy's score; what of all the weight each stands for, in whole units of a common measure."""
    score, catalogue = policy.entry.score, measures()
    parts = list(score.each()) if score else []
    of_dimensions = {one.dimension: Fraction(one.dimension_weight) for one in parts}
    within = {name: sum(Fraction(one.part.weight) for one in parts if one.dimension == name) for name in of_dimensions}
    shares = [
        of_dimensions[one.dimension] / sum(of_dimensions.values()) * Fraction(one.part.weight) / within[one.dimension]
        for one in parts
    ]
    total = lcm(*(share.denominator for share in shares))
    for one, share in zip(parts, shares, strict=True):
        yield {
            **_key(policy),
            "position": one.position,
            "dimension": one.dimension,
            "dimension_weight": one.dimension_weight,
            "measure": one.part.measure,
            "more_is_better": catalogue[one.part.measure].more_is_better,
            "scored_by": one.part.scored_by,
            "weight": one.part.weight,
            "neutral": score.neutral if score else None,
            "coverage_units": int(share * total),
            "coverage_total": total,
        }


def _tier_row(policy: Policy, tier: Tier, rank: int) -> dict[str, Any]:
    return {
        **_key(policy),
        "tier": tier.tier,
        "tier_rank": rank,
        "label_en": tier.labels.en,
        "label_zh": tier.labels.zh,
        "rule_kind": tier.rule_kind,
        "share": tier.share,
        "bound": tier.bound,
        "seat_cap": tier.seat_cap,
    }


def _condition_rows(policy: Policy, tier: Tier, rank: int) -> Iterator[dict[str, Any]]:
    for position, condition in enumerate(tier.conditions(policy.entry.measure), start=1):
        yield {
            **_key(policy),
            "tier": tier.tier,
            "tier_rank": rank,
            "position": position,
            "measure": condition.measure,
            "condition_kind": condition.kind,
            "share": condition.share,
            "bound": condition.bound,
        }


def _canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces, and every number to its last digit (json itself would pass through floats)."""
    match value:
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
        case list() | tuple():
            return "[" + ",".join(_canonical(item) for item in value) + "]"
        case Decimal():
            return plain(value)
        case date():
            return json.dumps(value.isoformat())
        case _:
            return json.dumps(value, ensure_ascii=False)
