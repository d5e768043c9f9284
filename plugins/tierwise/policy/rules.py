"""A policy as one canonical text with a version, and as the rule tables that one SQL joins."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from tierwise import configuration, control
from tierwise.configuration import Lines
from tierwise.policy import checks
from tierwise.policy.catalogue import Measure, measures
from tierwise.policy.grammar import PolicyEntry, PolicyFile, Tier, plain
from tierwise.settings import settings

VERSION_LENGTH = 12

TABLES: dict[str, dict[str, str]] = {
    "policies": {
        "policy": "varchar",
        "policy_version": "varchar",
        "policy_status": "varchar",
        "is_primary": "boolean",
        "label_en": "varchar",
        "label_zh": "varchar",
        "currency": "varchar",
        "measure": "varchar",
        "after_days": "integer",
        "otherwise_graded": "varchar",
        "position": "integer",
    },
    "policy_then_by": {"policy": "varchar", "position": "integer", "measure": "varchar"},
    "policy_tiers": {
        "policy": "varchar",
        "tier": "varchar",
        "tier_rank": "integer",
        "label_en": "varchar",
        "label_zh": "varchar",
        "rule_kind": "varchar",
        "share": "decimal(18, 10)",
        "bound": "decimal(18, 4)",
    },
}


@dataclass(frozen=True)
class Policy:
    """A policy under its name, with the currency of its bounds settled (None where the measure is no money)."""

    name: str
    entry: PolicyEntry
    currency: str | None

    @property
    def tiers(self) -> list[Tier]:
        return self.entry.tiers

    @property
    def is_retired(self) -> bool:
        return self.entry.status == "retired"

    @cached_property
    def text(self) -> str:
        """Canonical JSON of everything the policy says: what is left out and what is written as its default are one."""
        said = self.entry.model_dump(exclude_defaults=True)
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
    return [f"{lines.at(*finding.place)}: {finding.sentence}." for finding in found]


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
        Policy(name, entry, currency if catalogue[entry.measure].unit == "money" else None)
        for name, entry in entries.items()
    ]
    return policies, catalogue, lines


def adopt(run_id: str) -> list[Policy]:
    """Keep the policies' texts in the control store, and lay the run's rule tables beside its other inputs."""
    run = control.run(run_id)
    policies = load()
    for policy in policies:
        control.add_policy_version(policy.name, policy.version, policy.text, run.as_of)
    write_rule_tables(policies, run.work / "inputs")
    return policies


def write_rule_tables(policies: list[Policy], folder: Path) -> None:
    """One Parquet file per table of TABLES. Retired policies decide nothing and are left out."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    rows = rule_tables(policies)
    with duckdb.connect() as engine:
        for table, columns in TABLES.items():
            engine.execute(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
            if rows[table]:
                values = ", ".join("?" for _ in columns)
                engine.executemany(
                    f"insert into {table} values ({values})", [list(row.values()) for row in rows[table]]
                )
            engine.table(table).write_parquet(str(folder / f"{table}.parquet"))


def rule_tables(policies: list[Policy]) -> dict[str, list[dict[str, Any]]]:
    """The rows of TABLES, columns in their order."""
    deciding = [policy for policy in policies if not policy.is_retired]
    return {
        "policies": [_policy_row(policy, position) for position, policy in enumerate(deciding, start=1)],
        "policy_then_by": [
            {"policy": policy.name, "position": position, "measure": measure}
            for policy in deciding
            for position, measure in enumerate(policy.entry.then_by, start=1)
        ],
        "policy_tiers": [
            _tier_row(policy, tier, rank) for policy in deciding for rank, tier in enumerate(policy.tiers, start=1)
        ],
    }


def _policy_row(policy: Policy, position: int) -> dict[str, Any]:
    entry = policy.entry
    return {
        "policy": policy.name,
        "policy_version": policy.version,
        "policy_status": entry.status,
        "is_primary": entry.primary,
        "label_en": entry.labels.en,
        "label_zh": entry.labels.zh,
        "currency": policy.currency,
        "measure": entry.measure,
        "after_days": entry.eligible.after_days,
        "otherwise_graded": entry.eligible.otherwise,
        "position": position,
    }


def _tier_row(policy: Policy, tier: Tier, rank: int) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "tier": tier.tier,
        "tier_rank": rank,
        "label_en": tier.labels.en,
        "label_zh": tier.labels.zh,
        "rule_kind": tier.rule_kind,
        "share": tier.share,
        "bound": tier.bound,
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
        case _:
            return json.dumps(value, ensure_ascii=False)
