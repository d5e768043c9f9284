"""Why a customer has the tier they have: the numbers behind it, and one sentence for people."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise import control
from tierwise.configuration import nearest
from tierwise.errors import ConfigurationRefused, OurFailure
from tierwise.policy.catalogue import measures
from tierwise.policy.rules import Policy, load
from tierwise.policy.sentences import Chinese, English
from tierwise.settings import settings

if TYPE_CHECKING:
    import duckdb

_LISTED = 10


@dataclass(frozen=True)
class Line:
    """The line of a tier on a day. `value` is the bound, or the measure of who sits on a share's last seat."""

    tier: str
    label_en: str
    label_zh: str
    rule_kind: str
    share: Decimal | None
    bound: Decimal | None
    seats: int | None
    value: Decimal | None


@dataclass(frozen=True)
class Explanation:
    """A tier as decided, and what it rests on. Values, lines and gaps are None where the day's are not kept."""

    customer: str
    customer_key: str
    policy: str
    policy_version: str
    policy_label_en: str
    policy_label_zh: str
    as_of: date
    tier: str | None
    tier_rank: int | None
    tier_label_en: str | None
    tier_label_zh: str | None
    graded: str
    reason: str
    cause: str | None
    decision_rows: str | None
    tier_since: date
    measure: str
    measure_label_en: str
    measure_label_zh: str
    unit: str
    currency: str | None
    value: Decimal | None
    line: Line | None
    line_above: Line | None
    rank_position: int | None
    ranked_customers: int | None
    gap_up: Decimal | None
    gap_down: Decimal | None
    first_sale_on: date | None
    gradable_from: date | None
    next_review: date | None
    is_past: bool
    sentence_en: str = ""
    sentence_zh: str = ""


def why(customer: str, *, policy: str | None = None, as_of: date | None = None) -> Explanation:
    """Explain the tier of a customer, in the primary policy unless one is named, today or on a past day.

    `customer` is a customer_key, `source:customer_id`, or a customer_id that only one customer has.
    """
    with _release() as marts:
        latest = _latest_day(marts)
        if as_of is not None and as_of > latest:
            raise ConfigurationRefused(
                f"{as_of} is not decided yet: the current release describes {latest}.", hint="ask for an earlier day"
            )
        key, named = _identify(marts, customer)
        name = policy or _primary_policy(marts)
        if as_of is None or as_of == latest:
            explanation = _today(marts, latest, key, named, name)
        else:
            explanation = _back_then(marts, as_of, key, named, name)
    return explained(explanation)


def explained(explanation: Explanation) -> Explanation:
    """The explanation with its sentences."""
    measure = measures()[explanation.measure]
    return replace(
        explanation,
        sentence_en=English(explanation, measure).sentence(),
        sentence_zh=Chinese(explanation, measure).sentence(),
    )


# --- reading the release --------------------------------------------------------------------------------------------


def _release() -> duckdb.DuckDBPyConnection:
    import duckdb

    current: Path = settings().releases / "current.duckdb"
    if not current.exists():
        raise ConfigurationRefused(
            "there is no release yet, so nobody has a tier.", hint="tierwise run --as-of YYYY-MM-DD makes the first"
        )
    return duckdb.connect(str(current), read_only=True)


def _rows(marts: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[dict[str, Any]]:
    answer = marts.execute(query, list(values))
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _latest_day(marts: duckdb.DuckDBPyConnection) -> date:
    found = _rows(marts, "select max(as_of) as as_of from marts.rpt_tier_summary")[0]["as_of"]
    if not isinstance(found, date):
        raise ConfigurationRefused(
            "the current release holds no tiers.", hint="make a policy active in config/tier_policies.yml and run again"
        )
    return found


def _identify(marts: duckdb.DuckDBPyConnection, customer: str) -> tuple[str, str]:
    """The customer_key meant, and the name `source:customer_id` to call the customer by."""
    asked = unicodedata.normalize("NFC", customer.strip())
    found = _rows(
        marts,
        """
        select source, customer_id, customer_key
        from marts.dim_customer_ids
        where customer_key = $1 or customer_id = $1 or source || ':' || customer_id = $1
        order by source, customer_id
        """,
        asked,
    )
    keys = {row["customer_key"] for row in found}
    if len(keys) == 1:
        return found[0]["customer_key"], f"{found[0]['source']}:{found[0]['customer_id']}"
    if keys:
        listed = ", ".join(f"{row['source']}:{row['customer_id']}" for row in found[:_LISTED])
        raise ConfigurationRefused(
            f"{asked!r} may be {len(keys)} customers: {listed}.", hint="ask with the source in front, as listed"
        )
    near = _rows(
        marts,
        """
        select source || ':' || customer_id as near
        from marts.dim_customer_ids
        order by
            least(levenshtein(customer_id, $1), levenshtein(source || ':' || customer_id, $1)), source, customer_id
        limit 5
        """,
        asked,
    )
    listed = ", ".join(row["near"] for row in near)
    raise ConfigurationRefused(
        f"no customer is called {asked!r} in the current release.",
        hint=f"the nearest are {listed}" if listed else "the release holds no customers",
    )


def _primary_policy(marts: duckdb.DuckDBPyConnection) -> str:
    for row in _released_policies(marts):
        if _as_decided(row["policy"], row["policy_version"]).entry.primary:
            return str(row["policy"])
    raise OurFailure("the current release has no primary policy; name one with --policy")


def _released_policies(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return _rows(marts, "select distinct policy, policy_version from marts.rpt_tier_summary order by policy")


def _as_decided(name: str, version: str) -> Policy:
    """The policy as it read when the tier was decided, not as the file reads now."""
    for row in control.policy_versions():
        if (row["policy"], row["version"]) == (name, version):
            return Policy.from_text(name, row["text"])
    now = next((policy for policy in load() if (policy.name, policy.version) == (name, version)), None)
    if now is None:
        raise OurFailure(
            f"version {version} of the policy {name} is not in the control store, so its lines cannot be explained",
            hint="restore the control store that belongs to this release",
        )
    return now


def _known_policy(marts: duckdb.DuckDBPyConnection, name: str, past: bool) -> None:
    known = {row["policy"] for row in _released_policies(marts)}
    if past:
        known |= {row["policy"] for row in _rows(marts, "select distinct policy from marts.tier_history")}
    if name not in known:
        meant = nearest(name, known)
        raise ConfigurationRefused(
            f"the release knows no policy {name!r}" + (f"; did you mean {meant}?" if meant else "."),
            hint=f"it decided {', '.join(sorted(known))}",
        )


def _person(marts: duckdb.DuckDBPyConnection, key: str) -> dict[str, Any]:
    found = _rows(marts, "select * from marts.dim_customers where customer_key = ?", key)
    return found[0] if found else {}


def _today(marts: duckdb.DuckDBPyConnection, as_of: date, key: str, named: str, name: str) -> Explanation:
    _known_policy(marts, name, past=False)
    tiers = "select * from marts.dim_customer_tiers where as_of = ? and policy = ? and customer_key = ?"
    found = _rows(marts, tiers, as_of, name, key)
    if not found:
        raise ConfigurationRefused(
            f"{named} has no decision in {name} on {as_of}: no sale of theirs is known by that day.",
            hint="who never bought is a prospect and is not graded; --as-of shows a day on which they were decided",
        )
    decided = found[0]
    policy = _as_decided(name, decided["policy_version"])
    summary = "select * from marts.rpt_tier_summary where as_of = ? and policy = ? order by tier_rank"
    lines = _rows(marts, summary, as_of, name)
    held = next((row for row in lines if row["tier"] == decided["tier"]), None)
    above = next((row for row in lines if held and row["tier_rank"] == held["tier_rank"] - 1), None)
    first_sale_on = _person(marts, key).get("first_sale_on")
    return replace(
        _decision(decided, policy, as_of, key, named, since=decided["tier_since"]),
        decision_rows=decided["decision_rows"],
        value=_exactly(decided["score"]),
        line=_line(held),
        line_above=_line(above),
        rank_position=decided["rank_position"],
        ranked_customers=(lines[0].get("ranked_customers") if lines else None),
        gap_up=_exactly(decided["gap_up"]),
        gap_down=_exactly(decided["gap_down"]),
        first_sale_on=first_sale_on,
        gradable_from=first_sale_on and first_sale_on + timedelta(days=policy.entry.eligible.after_days),
        next_review=as_of + timedelta(days=1),
        is_past=False,
    )


def _back_then(marts: duckdb.DuckDBPyConnection, as_of: date, key: str, named: str, name: str) -> Explanation:
    _known_policy(marts, name, past=True)
    found = _rows(
        marts,
        """
        select *
        from marts.tier_history
        where policy = ? and customer_key = ? and valid_from <= ? and (valid_to is null or valid_to >= ?)
        """,
        name, key, as_of, as_of,
    )  # fmt: skip
    if not found:
        began = _rows(
            marts,
            "select min(valid_from) as began from marts.tier_history where policy = ? and customer_key = ?",
            name, key,
        )[0]["began"]  # fmt: skip
        hint = f"the first decision about them is of {began}" if began else "nothing was ever decided about them"
        raise ConfigurationRefused(f"no tier of {named} in {name} was in force on {as_of}.", hint=hint)
    decided = found[0]
    policy = _as_decided(name, decided["policy_version"])
    return _decision(decided, policy, as_of, key, named, since=decided["valid_from"])


def _decision(
    decided: dict[str, Any], policy: Policy, as_of: date, key: str, named: str, *, since: date
) -> Explanation:
    measure = measures().get(policy.entry.measure)
    if measure is None:
        raise OurFailure(f"the measure {policy.entry.measure} of the policy {policy.name} is in no catalogue any more")
    tier = next((tier for tier in policy.tiers if tier.tier == decided["tier"]), None)
    return Explanation(
        customer=named,
        customer_key=key,
        policy=policy.name,
        policy_version=policy.version,
        policy_label_en=policy.entry.labels.en,
        policy_label_zh=policy.entry.labels.zh,
        as_of=as_of,
        tier=decided["tier"],
        tier_rank=decided["tier_rank"],
        tier_label_en=tier.labels.en if tier else decided["tier"],
        tier_label_zh=tier.labels.zh if tier else decided["tier"],
        graded=decided["graded"],
        reason=decided["reason"],
        cause=decided["cause"],
        decision_rows=None,
        tier_since=since,
        measure=measure.name,
        measure_label_en=measure.label_en,
        measure_label_zh=measure.label_zh,
        unit=measure.unit,
        currency=policy.currency,
        value=None,
        line=None,
        line_above=None,
        rank_position=None,
        ranked_customers=None,
        gap_up=None,
        gap_down=None,
        first_sale_on=None,
        gradable_from=None,
        next_review=None,
        is_past=True,
    )


def _line(row: dict[str, Any] | None) -> Line | None:
    if row is None:
        return None
    return Line(
        tier=row["tier"],
        label_en=row["label_en"],
        label_zh=row["label_zh"],
        rule_kind=row["rule_kind"],
        share=_exactly(row["share"]),
        bound=_exactly(row["bound"]),
        seats=row["seats"],
        value=_exactly(row["line_value"]),
    )


def _exactly(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
