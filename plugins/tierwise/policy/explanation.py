"""Why a customer has the tier they have: the numbers behind it, and one sentence for people."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise import control, customers
from tierwise.configuration import nearest
from tierwise.errors import ConfigurationRefused, OurFailure
from tierwise.policy.catalogue import Measure, measures
from tierwise.policy.rules import Policy, load
from tierwise.policy.scores import SCORES
from tierwise.policy.sentences import Chinese, English
from tierwise.settings import settings

if TYPE_CHECKING:
    import duckdb

FACTS = ("orders_12m", "refunds_12m", "complaints_12m", "interactions_12m", "responses_12m", "purchase_days_12m")
PARTS = ("policy", "identity", "corrected_data", "value_model", "own_behaviour", "left_window", "others_moved")
_AT_ONCE = 2_000


@dataclass(frozen=True)
class Line:
    """The line of a tier on a day. `value` is the bound, or the measure of who sits on a share's last seat.

    `decides_at` is where it decides about this customer: for the tier held, the least that keeps it (what is `above`
    its bound loses it there); for the next higher tier, the least that gets it.
    """

    tier: str
    label_en: str
    label_zh: str
    rule_kind: str
    share: Decimal | None
    bound: Decimal | None
    seats: int | None
    value: Decimal | None
    decides_at: Decimal | None


@dataclass(frozen=True)
class Override:
    """What a person decided. `ends_on` is None while it is open."""

    tier: str
    author: str
    reason: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True)
class ScoredPart:
    """A part of a score: what is known, what it makes of 100, and what of the whole it weighs for this customer.

    `value` and `score` are None where nothing is known; its weight went to the others.
    """

    dimension: str | None
    measure: str
    measure_label_en: str
    measure_label_zh: str
    value: Decimal | None
    scored_by: str
    score: Decimal | None
    weight: Decimal
    weight_counted: Decimal


@dataclass(frozen=True)
class Change:
    """A change of tier: what moved the score since `changed_from`, the first day of what led to it. The parts sum up."""

    as_of: date
    changed_from: date
    from_tier: str | None
    from_tier_en: str | None
    from_tier_zh: str | None
    score_before: Decimal | None
    score: Decimal | None
    line_before: Decimal | None
    line_now: Decimal | None
    parts: dict[str, Decimal]


@dataclass(frozen=True)
class Step:
    """One interval of a customer's history, as decided then. `valid_to` is None while it lasts."""

    tier: str | None
    tier_label_en: str | None
    tier_label_zh: str | None
    graded: str
    valid_from: date
    valid_to: date | None
    reason: str
    cause: str | None
    policy_version: str | None


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
    tier_since: date
    measure: str
    measure_label_en: str
    measure_label_zh: str
    unit: str
    currency: str | None
    is_past: bool
    decision_rows: str | None = None
    is_limited_by_steps: bool = False
    value: Decimal | None = None
    line: Line | None = None
    line_above: Line | None = None
    rank_position: int | None = None
    ranked_customers: int | None = None
    gap_up: Decimal | None = None
    gap_down: Decimal | None = None
    reached: Line | None = None
    runner_up_key: str | None = None
    runner_up_score: Decimal | None = None
    score_before: Decimal | None = None
    parts: dict[str, Decimal] | None = None
    conditions: dict[str, Decimal | None] | None = None
    scores: dict[str, Decimal | None] | None = None
    coverage: Decimal | None = None
    score_parts: tuple[ScoredPart, ...] = ()
    facts: dict[str, Any] | None = None
    first_sale_on: date | None = None
    gradable_from: date | None = None
    clearing: Line | None = None
    clearing_since: date | None = None
    missing_since: date | None = None
    earliest_change_on: date | None = None
    next_review: date | None = None
    override: Override | None = None
    wanted: Line | None = None
    place_in_queue: int | None = None
    change: Change | None = None
    history: tuple[Step, ...] = ()
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
        meant = customers.meant(marts, customer)
        versions = _Versions()
        name = policy or _primary_policy(marts, versions)
        day = as_of or latest
        _known_policy(marts, name, past=day < latest)
        history = _history(marts, name, meant.customer_key, day, versions)
        if day == latest:
            found = next(_today(marts, name, versions, meant.customer_key), None)
            explanation = found or _left(marts, name, meant, day, history, versions)
            explanation = replace(explanation, score_parts=_score_parts(marts, name, meant.customer_key))
        else:
            explanation = _back_then(marts, name, meant, day, history, versions)
        return _explained(
            replace(explanation, customer=meant.name, history=history), versions(name, explanation.policy_version)
        )


def explanations(policy: str | None = None) -> Iterator[Explanation]:
    """Every tier of the current release with its sentences, of one policy or of all; histories are left out."""
    with _release() as marts:
        versions = _Versions()
        if policy is not None:
            _known_policy(marts, policy, past=False)
        for row in _released_policies(marts):
            if policy in (None, row["policy"]):
                for explanation in _today(marts, row["policy"], versions):
                    yield _explained(explanation, versions(row["policy"], explanation.policy_version))


def _explained(explanation: Explanation, policy: Policy) -> Explanation:
    catalogue = measures()
    return replace(
        explanation,
        sentence_en=English(explanation, policy, catalogue).sentence(),
        sentence_zh=Chinese(explanation, policy, catalogue).sentence(),
    )


# --- reading the release --------------------------------------------------------------------------------------------


def _release() -> closing[duckdb.DuckDBPyConnection]:
    import duckdb

    current: Path = settings().releases / "current.duckdb"
    if not current.exists():
        raise ConfigurationRefused(
            "there is no release yet, so nobody has a tier.", hint="tierwise run --as-of YYYY-MM-DD makes the first"
        )
    return closing(duckdb.connect(str(current), read_only=True))


def _rows(marts: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[dict[str, Any]]:
    return list(_streamed(marts, query, *values))


def _streamed(marts: duckdb.DuckDBPyConnection, query: str, *values: object) -> Iterator[dict[str, Any]]:
    answer = marts.cursor().execute(query, list(values))
    names = [column[0] for column in answer.description or []]
    while rows := answer.fetchmany(_AT_ONCE):
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def _latest_day(marts: duckdb.DuckDBPyConnection) -> date:
    found = _rows(marts, "select max(as_of) as as_of from marts.rpt_tier_summary")[0]["as_of"]
    if not isinstance(found, date):
        raise ConfigurationRefused(
            "the current release holds no tiers.", hint="make a policy active in config/tier_policies.yml and run again"
        )
    return found


class _Versions:
    """Policies as they read when a tier was decided, not as the file reads now."""

    def __init__(self) -> None:
        self.texts = {(row["policy"], row["version"]): row["text"] for row in control.policy_versions()}
        self.read = functools.cache(self._read)

    def __call__(self, name: str, version: str) -> Policy:
        found = self.read(name, version)
        if found is None:
            raise OurFailure(
                f"version {version} of the policy {name} is not in the control store, so its lines cannot be explained",
                hint="restore the control store that belongs to this release",
            )
        return found

    def _read(self, name: str, version: str) -> Policy | None:
        if (name, version) in self.texts:
            return Policy.from_text(name, self.texts[name, version])
        return next((policy for policy in load() if (policy.name, policy.version) == (name, version)), None)

    def labels(self, name: str, version: str, tier: str | None) -> tuple[str | None, str | None]:
        """What people called the tier then: its name where the version is not known any more."""
        policy = self.read(name, version) if (name, version) in self.texts else None
        found = next((one for one in policy.tiers if one.tier == tier), None) if policy else None
        return (found.labels.en, found.labels.zh) if found else (tier, tier)


def _primary_policy(marts: duckdb.DuckDBPyConnection, versions: _Versions) -> str:
    for row in _released_policies(marts):
        if versions(row["policy"], row["policy_version"]).entry.primary:
            return str(row["policy"])
    raise OurFailure("the current release has no primary policy; name one with --policy")


def _released_policies(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return _rows(marts, "select distinct policy, policy_version from marts.rpt_tier_summary order by policy")


def _known_policy(marts: duckdb.DuckDBPyConnection, name: str, *, past: bool) -> None:
    known = {row["policy"] for row in _released_policies(marts)}
    if past:
        known |= {row["policy"] for row in _rows(marts, "select distinct policy from marts.tier_history")}
    if name not in known:
        meant = nearest(name, known)
        raise ConfigurationRefused(
            f"the release knows no policy {name!r}" + (f"; did you mean {meant}?" if meant else "."),
            hint=f"it decided {', '.join(sorted(known))}",
        )


# --- today ----------------------------------------------------------------------------------------------------------

_TODAY = """
with

names as (
    select customer_key, min(source || ':' || customer_id) as customer
    from marts.dim_customer_ids
    group by customer_key
),

overrides as (  -- the one in force, else the one that ended last
    select
        customer_key,
        struct_pack(
            tier := tier, author := author, reason := reason, starts_on := starts_on, ends_on := ends_on
        ) as given
    from marts.rpt_tier_overrides
    where policy = $1 and status in ('in_force', 'expired', 'replaced')
    qualify row_number() over (
        partition by customer_key
        order by status = 'in_force' desc, least(ends_on, replaced_on - 1) desc nulls last, known_on desc
    ) = 1
),

waiting as (
    select customer_key, place_in_queue
    from marts.rpt_tier_waiting_list
    where policy = $1 and kind = 'waiting_for_seat'
),

lines as (
    select tier, line_value
    from marts.rpt_tier_summary
    where policy = $1
)

select
    explained.*,
    names.customer,
    overrides.given as override,
    waiting.place_in_queue,
    next_line.line_value as next_reached_at,
    wanted_line.line_value as wanted_reached_at,
    clearing_line.line_value as clearing_reached_at,
    case when changes.customer_key is not null then changes end as change
    {asked}
from marts.tier_explanations as explained
left join names on explained.customer_key = names.customer_key
left join overrides on explained.customer_key = overrides.customer_key
left join waiting on explained.customer_key = waiting.customer_key
left join lines as next_line on explained.next_tier = next_line.tier
left join lines as wanted_line on explained.wanted_tier = wanted_line.tier
left join lines as clearing_line on explained.clearing_tier = clearing_line.tier
left join marts.fct_tier_changes as changes
    on
        explained.policy = changes.policy
        and explained.customer_key = changes.customer_key
        and explained.as_of = changes.as_of
left join marts.fct_customer_value as valued
    on explained.customer_key = valued.customer_key and explained.as_of = valued.as_of
left join marts.fct_customer_scores as scored
    on explained.customer_key = scored.customer_key and explained.policy = scored.policy
where explained.policy = $1 and ($2 is null or explained.customer_key = $2)
order by explained.customer_key
"""


def _today(
    marts: duckdb.DuckDBPyConnection, name: str, versions: _Versions, key: str | None = None
) -> Iterator[Explanation]:
    """Everybody of a policy, or one of them, as the release shows them now."""
    version = next(row["policy_version"] for row in _released_policies(marts) if row["policy"] == name)
    policy = versions(name, version)
    asked = {"conditions": _conditions(policy), "scores": policy.entry.score.scores if policy.entry.score else []}
    packed = "".join(
        f", struct_pack({', '.join(map(_where_it_stands, named))}) as {what}" for what, named in asked.items() if named
    )
    for row in _streamed(marts, _TODAY.format(asked=f", scored.coverage{packed}"), name, key):
        yield _as_released(row, versions(name, row["policy_version"]), versions)


def _where_it_stands(measure: str) -> str:
    return f'"{measure}" := {"scored" if measure in SCORES else "valued"}."{measure}"'


def _score_parts(marts: duckdb.DuckDBPyConnection, name: str, key: str) -> tuple[ScoredPart, ...]:
    """What the score of one customer is made of; nothing where the policy makes none."""
    catalogue = measures()
    return tuple(
        ScoredPart(
            dimension=row["dimension"],
            measure=row["measure"],
            measure_label_en=catalogue[row["measure"]].label_en,
            measure_label_zh=catalogue[row["measure"]].label_zh,
            value=_exactly(row["value"]),
            scored_by=row["scored_by"],
            score=_exactly(row["score"]),
            weight=row["weight"],
            weight_counted=row["weight_counted"],
        )
        for row in _rows(
            marts,
            "from marts.fct_customer_score_parts where policy = $1 and customer_key = $2 order by position",
            name,
            key,
        )
    )


def _conditions(policy: Policy) -> list[str]:
    """The measures of tiers that ask for several things at once."""
    several = [tier for tier in policy.tiers if tier.all is not None]
    named = [condition.measure for tier in several for condition in tier.conditions(policy.entry.measure)]
    return list(dict.fromkeys([policy.entry.measure, *named])) if several else []


def _as_released(row: dict[str, Any], policy: Policy, versions: _Versions) -> Explanation:
    next_reached_at = _exactly(row["next_reached_at"])
    is_next_cleared = row["clearing_tier"] == row["next_tier"]
    clearing_at = _exactly(row["next_line_value"] if is_next_cleared else row["clearing_reached_at"])
    wanted_at = _exactly(row["wanted_reached_at"])
    change = row["change"]
    conditions, scores = row.get("conditions"), row.get("scores")
    return replace(
        _decision(row, policy, row["as_of"], since=row["tier_since"]),
        customer=row["customer"] or row["customer_key"],
        is_past=False,
        decision_rows=row["decision_rows"],
        is_limited_by_steps=bool(row["is_limited_by_steps"]),
        value=_exactly(row["score"]),
        line=_line(policy, row["tier"], _exactly(row["line_value"]), _exactly(row["keep_value"]), row["seats"]),
        line_above=_line(policy, row["next_tier"], next_reached_at, _exactly(row["next_line_value"])),
        rank_position=row["rank_position"],
        ranked_customers=row["ranked_customers"],
        gap_up=_exactly(row["gap_up"]),
        gap_down=_exactly(row["gap_down"]),
        reached=_line(policy, row["reached_tier"], None, None),
        runner_up_key=row["runner_up_key"],
        runner_up_score=_exactly(row["runner_up_score"]),
        score_before=_exactly(row["score_before"]),
        parts=_parts(row),
        conditions={name: _exactly(value) for name, value in conditions.items()} if conditions else None,
        scores={name: _exactly(value) for name, value in scores.items()} if scores else None,
        coverage=row["coverage"],
        facts={fact: row[fact] for fact in FACTS},
        first_sale_on=row["first_sale_on"],
        gradable_from=row["gradable_from"],
        clearing=_line(policy, row["clearing_tier"], _exactly(row["clearing_reached_at"]), clearing_at),
        clearing_since=row["clearing_since"],
        missing_since=row["missing_since"],
        earliest_change_on=row["earliest_change_on"],
        next_review=row["next_review_on"],
        override=Override(**row["override"]) if _is_by_hand(row["reason"]) and row["override"] else None,
        wanted=_line(policy, row["wanted_tier"], wanted_at, wanted_at),
        place_in_queue=row["place_in_queue"],
        change=_change(change, policy.name, versions) if change else None,
    )


def _is_by_hand(reason: str) -> bool:
    return reason in ("override", "override_ended")


def _decision(decided: dict[str, Any], policy: Policy, as_of: date, *, since: date) -> Explanation:
    measure = _measure(policy)
    tier = next((tier for tier in policy.tiers if tier.tier == decided["tier"]), None)
    return Explanation(
        customer=decided["customer_key"],
        customer_key=decided["customer_key"],
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
        tier_since=since,
        measure=measure.name,
        measure_label_en=measure.label_en,
        measure_label_zh=measure.label_zh,
        unit=measure.unit,
        currency=policy.currency,
        is_past=True,
    )


def _measure(policy: Policy) -> Measure:
    measure = measures().get(policy.entry.measure)
    if measure is None:
        raise OurFailure(f"the measure {policy.entry.measure} of the policy {policy.name} is in no catalogue any more")
    return measure


def _line(
    policy: Policy, tier: str | None, value: Decimal | None, decides_at: Decimal | None, seats: int | None = None
) -> Line | None:
    found = next((one for one in policy.tiers if one.tier == tier), None)
    if found is None:
        return None
    return Line(
        tier=found.tier,
        label_en=found.labels.en,
        label_zh=found.labels.zh,
        rule_kind=found.rule_kind,
        share=found.share,
        bound=found.bound,
        seats=seats,
        value=value if found.bound is None else found.bound,
        decides_at=decides_at,
    )


def _parts(row: dict[str, Any]) -> dict[str, Decimal] | None:
    parts = {part: _exactly(row[f"part_{part}"]) for part in PARTS}
    known = {part: value for part, value in parts.items() if value is not None}
    return known or None


def _change(row: dict[str, Any], name: str, versions: _Versions) -> Change:
    from_en, from_zh = versions.labels(name, row["policy_version"], row["from_tier"])
    return Change(
        as_of=row["as_of"],
        changed_from=row["changed_from"] or row["as_of"],
        from_tier=row["from_tier"],
        from_tier_en=from_en,
        from_tier_zh=from_zh,
        score_before=_exactly(row["score_before"]),
        score=_exactly(row["score"]),
        line_before=_exactly(row["line_before"]),
        line_now=_exactly(row["line_now"]),
        parts=_parts(row) or {},
    )


def _exactly(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


# --- what was decided before ----------------------------------------------------------------------------------------


def _history(
    marts: duckdb.DuckDBPyConnection, name: str, key: str, until: date, versions: _Versions
) -> tuple[Step, ...]:
    """Every tier up to a day. Days without one stand between: the customer left, or the policy paused."""
    found = _rows(
        marts,
        """
        select *
        from marts.tier_history
        where policy = $1 and customer_key = $2
        order by valid_from
        """,
        name, key,
    )  # fmt: skip
    left = {row["as_of"] for row in _changes(marts, name, key) if row["reason"] == "left_population"}
    is_decided = name in {row["policy"] for row in _released_policies(marts)}
    steps: list[Step] = []
    for position, row in enumerate(found):
        if row["valid_from"] > until:
            break
        en, zh = versions.labels(name, row["policy_version"], row["tier"])
        held_to = row["valid_to"] if row["valid_to"] is not None and row["valid_to"] < until else None
        steps.append(
            Step(
                row["tier"], en, zh, row["graded"], row["valid_from"], held_to, row["reason"], row["cause"],
                row["policy_version"],
            )
        )  # fmt: skip
        following = found[position + 1]["valid_from"] if position + 1 < len(found) else None
        if held_to is None or following == (gone := held_to + timedelta(days=1)):
            continue
        reason = "left_population" if gone in left or (following is None and is_decided) else "policy_paused"
        until_then = following - timedelta(days=1) if following else None
        steps.append(Step(None, None, None, "not_graded", gone, until_then, reason, None, None))
    return tuple(steps)


def _changes(marts: duckdb.DuckDBPyConnection, name: str, key: str) -> list[dict[str, Any]]:
    return _rows(marts, "select * from marts.fct_tier_changes where policy = ? and customer_key = ?", name, key)


def _left(
    marts: duckdb.DuckDBPyConnection,
    name: str,
    meant: customers.Meant,
    as_of: date,
    history: tuple[Step, ...],
    versions: _Versions,
) -> Explanation:
    """Who is decided no more, and once was."""
    last = history[-1] if history else None
    if last is None or last.reason != "left_population":
        raise ConfigurationRefused(
            f"{meant.name} has no decision in {name} on {as_of}: no sale of theirs is known by that day.",
            hint="who never bought is a prospect and is not graded; --as-of shows a day on which they were decided",
        )
    version = next(row["policy_version"] for row in _released_policies(marts) if row["policy"] == name)
    return replace(_gone(name, meant, as_of, last, history, versions, version), is_past=False)


def _gone(
    name: str,
    meant: customers.Meant,
    as_of: date,
    step: Step,
    history: tuple[Step, ...],
    versions: _Versions,
    version: str,
) -> Explanation:
    before = history[history.index(step) - 1]
    decided = {
        "customer_key": meant.customer_key,
        "tier": None,
        "tier_rank": None,
        "graded": "not_graded",
        "reason": "left_population",
        "cause": None,
    }
    change = Change(
        step.valid_from, step.valid_from, before.tier, before.tier_label_en, before.tier_label_zh,
        None, None, None, None, {},
    )  # fmt: skip
    explanation = _decision(decided, versions(name, version), as_of, since=step.valid_from)
    return replace(explanation, change=change)


def _back_then(
    marts: duckdb.DuckDBPyConnection,
    name: str,
    meant: customers.Meant,
    as_of: date,
    history: tuple[Step, ...],
    versions: _Versions,
) -> Explanation:
    step = history[-1] if history else None
    if step is None or step.reason == "policy_paused":
        began = _rows(
            marts,
            "select min(valid_from) as began from marts.tier_history where policy = ? and customer_key = ?",
            name, meant.customer_key,
        )[0]["began"]  # fmt: skip
        hint = f"the first decision about them is of {began}" if began else "nothing was ever decided about them"
        raise ConfigurationRefused(f"no tier of {meant.name} in {name} was in force on {as_of}.", hint=hint)
    if step.policy_version is None:
        version = next(one.policy_version for one in reversed(history) if one.policy_version)
        return _gone(name, meant, as_of, step, history, versions, version)
    policy = versions(name, step.policy_version)
    ranks = {tier.tier: rank for rank, tier in enumerate(policy.tiers, start=1)}
    decided = {
        "customer_key": meant.customer_key,
        "tier": step.tier,
        "tier_rank": ranks.get(step.tier or ""),
        "graded": step.graded,
        "reason": step.reason,
        "cause": step.cause,
    }
    change = next((row for row in _changes(marts, name, meant.customer_key) if row["as_of"] == step.valid_from), None)
    return replace(
        _decision(decided, policy, as_of, since=step.valid_from),
        change=_change(change, name, versions) if change else None,
        override=_override_on(marts, name, meant.customer_key, as_of) if step.reason == "override" else None,
    )


def _override_on(marts: duckdb.DuckDBPyConnection, name: str, key: str, day: date) -> Override | None:
    found = _rows(
        marts,
        """
        select tier, author, reason, starts_on, ends_on
        from marts.rpt_tier_overrides
        where
            policy = $1 and customer_key = $2 and starts_on <= $3 and known_on <= $3 and sent_back_because is null
            and coalesce(ends_on, $3) >= $3 and coalesce(replaced_on, $3 + 1) > $3
        order by known_on desc
        limit 1
        """,
        name, key, day,
    )  # fmt: skip
    return Override(**found[0]) if found else None
