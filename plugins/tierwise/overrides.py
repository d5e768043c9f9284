"""Overrides by command: one customer's tier, decided by a person. Only a mark: the next run takes it in and judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise import control, customers, manifest
from tierwise.configuration import nearest
from tierwise.errors import ConfigurationRefused
from tierwise.settings import settings
from tierwise.sources import description

if TYPE_CHECKING:
    import duckdb

WAITING = "waiting"
_AT_WORK = ("in_force", "upcoming", WAITING)


@dataclass(frozen=True)
class Override:
    """The newest known version of an override: what became of it by the current release, or that it waits for a run."""

    policy: str
    customer: str
    customer_key: str | None
    tier: str
    starts_on: date
    ends_on: date | None
    reason: str
    author: str
    source: str
    status: str
    known_on: date | None = None
    sent_back_en: str | None = None
    sent_back_zh: str | None = None

    @property
    def whose(self) -> str:
        """What two overrides of one customer have in common."""
        return self.customer_key or self.customer

    @property
    def days(self) -> str:
        return f"from {self.starts_on} " + (f"until {self.ends_on}" if self.ends_on else "on, with no end")


def add(
    customer: str,
    *,
    policy: str,
    tier: str,
    reason: str,
    author: str,
    starts_on: date | None,
    ends_on: date | None,
    tiers: Mapping[str, Sequence[str]],
    next_day: date,
) -> tuple[Override, Override | None]:
    """Mark an override for the next run; returns it, and the one that it is a newer version of, if any.

    `tiers` are the tiers of every policy that decides; `next_day` is the first day that the next run can describe.
    Raises ConfigurationRefused for what would go back to its author.
    """
    reason, author = _answered_for(reason, author)
    _hold_named(policy, tier, tiers)
    begins = starts_on or next_day
    if ends_on is not None and ends_on < begins:
        raise ConfigurationRefused(
            f"It would end on {ends_on}, before it begins on {begins}.",
            hint="both days belong to it: give --until a day that is no earlier than --from",
        )
    with closing(_Standing()) as standing:
        if ends_on is not None and ends_on < next_day and standing.has_release:
            raise ConfigurationRefused(
                f"It would be over on {ends_on} and never act: the next run describes {next_day}.",
                hint=f"give an --until of {next_day} or later, or none",
            )
        who, key = standing.customer(customer)
        asked = Override(policy, who, key, tier, begins, ends_on, reason, author, description.BY_HAND, WAITING)
        known = [one for one in standing.overrides() if (one.policy, one.whose) == (policy, asked.whose)]
    older = next((one for one in known if one.starts_on == begins), None)
    if older is not None and _says_the_same(older, asked):
        raise ConfigurationRefused(
            f"{who} is {tier} in {policy} {older.days} already, for the same reason and by the same author.",
            hint="tierwise override list",
        )
    for one in known:
        if one is not older and _overlap(one, asked):
            raise ConfigurationRefused(
                f"It would overlap the override of {one.author}: {who} is {one.tier} in {policy} {one.days}.",
                hint=_way_out(one, asked, next_day),
            )
    _say(asked)
    return asked, older


def end(
    customer: str, *, policy: str, reason: str, author: str, ends_on: date | None, next_day: date
) -> tuple[Override, Override]:
    """Mark a newer version that ends the standing override of a customer in a policy; returns it and the one it ends.

    Without a day it acts no longer from the next run on. Raises ConfigurationRefused where there is nothing to end.
    """
    reason, author = _answered_for(reason, author)
    with closing(_Standing()) as standing:
        who, key = standing.customer(customer)
        known = [one for one in standing.overrides() if one.status in _AT_WORK]
    theirs = [one for one in known if one.whose == (key or who)]
    stands = sorted((one for one in theirs if one.policy == policy), key=lambda one: one.starts_on)
    if not stands:
        others = ", ".join(f"{one.tier} in {one.policy} {one.days}" for one in theirs)
        raise ConfigurationRefused(
            f"{who} is under no override in {policy}, so there is nothing to end.",
            hint=f"they are {others}" if others else "tierwise override list",
        )
    one = next((one for one in stands if one.ends_on is None or one.ends_on >= next_day), stands[0])
    last = ends_on or max(one.starts_on, next_day - timedelta(days=1))
    if last < one.starts_on:
        raise ConfigurationRefused(
            f"That override begins only on {one.starts_on}; it cannot end on {last}.",
            hint=f"--on {one.starts_on} leaves it its first day",
        )
    if one.ends_on is not None and last >= one.ends_on:
        raise ConfigurationRefused(
            f"{who} is {one.tier} in {policy} {one.days} anyway: {last} is no earlier end.",
            hint=f"to prolong it: tierwise override add … --from {one.starts_on} --until DAY",
        )
    ended = replace(
        one, ends_on=last, reason=reason, author=author, source=description.BY_HAND, status=WAITING, known_on=None
    )
    _say(ended)
    return ended, one


def overrides(*, everything: bool = False) -> list[Override]:
    """What waits, is in force, is upcoming or was sent back; with `everything` also what expired or was replaced."""
    with closing(_Standing()) as standing:
        found = [*standing.released, *standing.waiting] if everything else standing.overrides(sent_back=True)
    shown = ("sent_back", *_AT_WORK)
    return [one for one in found if everything or one.status in shown]


class _Standing:
    """What the current release knows of overrides, and what was said since."""

    def __init__(self) -> None:
        self._marts = _release()
        self.released = self._released()
        self.waiting = self._said_since()

    @property
    def has_release(self) -> bool:
        """Before the first release a run may still describe any day."""
        return self._marts is not None

    def close(self) -> None:
        if self._marts is not None:
            self._marts.close()

    def customer(self, asked: str) -> tuple[str, str | None]:
        """`source:customer_id` and, where the release knows it, the key."""
        if self._marts is not None:
            found = customers.meant(self._marts, asked)
            return found.name, found.customer_key
        source, _, customer_id = customers.plain(asked).partition(":")
        names = [one.name for one in description.load_sources() if one.kind != description.BY_HAND]
        if customer_id and source in names:
            return f"{source}:{customer_id}", None
        raise ConfigurationRefused(
            f"There is no release yet that could say who {asked!r} is.",
            hint=f"say whose id it is: {', '.join(f'{name}:{customer_id or source}' for name in names)}",
        )

    def overrides(self, *, sent_back: bool = False) -> list[Override]:
        """The newest version of each: what was said since takes the place of what the release holds."""
        newest: dict[tuple[str, str, date], Override] = {}
        others = []
        for one in [*self.released, *self.waiting]:
            if one.status in ("in_force", "upcoming", "expired", WAITING):
                newest[one.policy, one.whose, one.starts_on] = one
            elif sent_back and one.status == "sent_back":
                others.append(one)
        return [*others, *newest.values()]

    def _released(self) -> list[Override]:
        if self._marts is None or not self._holds("rpt_tier_overrides"):
            return []
        rows = self._marts.execute(
            """
            select
                policy, customer_source || ':' || customer_id as customer, customer_key, tier, starts_on, ends_on,
                reason, author, source, status, known_on, sent_back_en, sent_back_zh
            from marts.rpt_tier_overrides
            order by policy, customer, starts_on, known_on, source, version
            """
        ).fetchall()
        return [Override(*row) for row in rows]

    def _holds(self, mart: str) -> bool:
        """A release that an older version of ours made has not every mart."""
        assert self._marts is not None
        named = "select 1 from duckdb_tables() where schema_name = 'marts' and table_name = ?"
        return self._marts.execute(named, [mart]).fetchone() is not None

    def _said_since(self) -> list[Override]:
        pointer = control.pointer()
        taken_in = set(manifest.read_release(pointer.release_id).manifest.delivery_ids) if pointer.release_id else set()
        keys = self._keys()
        return [
            Override(
                policy=said.policy,
                customer=f"{said.customer_source}:{said.customer_id}",
                customer_key=keys.get((said.customer_source, said.customer_id)),
                tier=said.tier,
                starts_on=said.starts_on,
                ends_on=said.ends_on,
                reason=said.reason,
                author=said.author,
                source=description.BY_HAND,
                status=WAITING,
            )
            for said in control.overrides_said()
            if said.delivery_id is None or said.delivery_id not in taken_in
        ]

    def _keys(self) -> dict[tuple[str, str], str]:
        if self._marts is None:
            return {}
        rows = self._marts.execute("select source, customer_id, customer_key from marts.dim_customer_ids").fetchall()
        return {(source, customer_id): key for source, customer_id, key in rows}


def _release() -> duckdb.DuckDBPyConnection | None:
    import duckdb

    current: Path = settings().releases / "current.duckdb"
    return duckdb.connect(str(current), read_only=True) if current.exists() else None


def _answered_for(reason: str, author: str) -> tuple[str, str]:
    for said, option, what in ((reason, "reason", "why"), (author, "author", "who answers for it")):
        if not said.strip():
            raise ConfigurationRefused(
                f"An override is never silent: nobody says {what}.", hint=f'add --{option} "…" and say it again'
            )
    return customers.plain(reason), customers.plain(author)


def _hold_named(policy: str, tier: str, tiers: Mapping[str, Sequence[str]]) -> None:
    _hold_one_of(policy, tiers, "config/tier_policies.yml has no policy {} that decides", "its policies are")
    _hold_one_of(tier, tiers[policy], f"{policy} has no tier {{}}", "its tiers are")


def _hold_one_of(asked: str, known: Mapping[str, Any] | Sequence[str], sentence: str, listed: str) -> None:
    if asked not in known:
        near = nearest(asked, known)
        raise ConfigurationRefused(
            sentence.format(repr(asked)) + (f"; did you mean {near}?" if near else "."),
            hint=f"{listed} {', '.join(known)}",
        )


def _says_the_same(one: Override, other: Override) -> bool:
    return all(getattr(one, said) == getattr(other, said) for said in ("tier", "ends_on", "reason", "author"))


def _overlap(one: Override, other: Override) -> bool:
    return one.starts_on <= (other.ends_on or date.max) and other.starts_on <= (one.ends_on or date.max)


def _way_out(stands: Override, asked: Override, next_day: date) -> str:
    if stands.ends_on is not None and stands.ends_on < next_day:
        return f"that one is over: begin with --from {stands.ends_on + timedelta(days=1)} or later"
    if asked.starts_on > stands.starts_on:
        last = asked.starts_on - timedelta(days=1)
        return f"end that one first: tierwise override end {asked.customer} --policy {asked.policy} --on {last} …"
    return f"let this one end before: --until {stands.starts_on - timedelta(days=1)}"


def _say(asked: Override) -> None:
    source, _, customer_id = asked.customer.partition(":")
    control.say_override(
        policy=asked.policy,
        customer_source=source,
        customer_id=customer_id,
        starts_on=asked.starts_on,
        ends_on=asked.ends_on,
        tier=asked.tier,
        reason=asked.reason,
        author=asked.author,
    )
