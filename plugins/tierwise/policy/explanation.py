"""Why a customer has the tier they have: the numbers behind it, and one sentence for people."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise import control
from tierwise.configuration import nearest
from tierwise.errors import ConfigurationRefused, OurFailure
from tierwise.policy.catalogue import Measure, measures
from tierwise.policy.rules import Policy, load
from tierwise.policy.wording import Figures, Language, day, in_a_sentence, number, percent
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

    def label(self, language: Language) -> str:
        return self.label_en if language == "en" else self.label_zh


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
        sentence_en=_English(explanation, measure).sentence(),
        sentence_zh=_Chinese(explanation, measure).sentence(),
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


# --- saying it ------------------------------------------------------------------------------------------------------


class _Sentence:
    """One explanation in one language. Both languages answer the same questions, in their own order of words."""

    language: Language

    def __init__(self, explanation: Explanation, measure: Measure) -> None:
        self.e = explanation
        self.figures = Figures(measure, explanation.currency, self.language)
        shown = [value for value in (explanation.value, *self._line_values()) if value is not None]
        self.said = dict(zip(shown, self.figures.side_by_side(shown), strict=True))

    def _line_values(self) -> list[Decimal | None]:
        return [line.value for line in (self.e.line, self.e.line_above) if line]

    def day(self, when: date) -> str:
        return day(when, self.language)

    @property
    def reaches(self) -> bool:
        """Whether today's value alone holds the decisive line (a share: its rank is within the seats)."""
        line, value, rank = self.decisive, self.e.value, self.e.rank_position
        if line is None or value is None:
            return False
        if line.rule_kind == "top_share":
            return value > 0 and rank is not None and rank <= (line.seats or 0)
        if line.bound is None:
            return False
        return value > line.bound if line.rule_kind == "above" else value >= line.bound

    @property
    def is_behind_the_last_seat(self) -> bool:
        """On the value of a share's line, and still outside: equals that do not all fit, or behind by `then_by`."""
        line = self.decisive
        return line is not None and line.rule_kind == "top_share" and self.e.value == line.value and not self.reaches

    @property
    def decisive(self) -> Line | None:
        """The line the value is held against: the tier's own, or that of the tier above for who is left over."""
        own = self.e.line
        return own if own is not None and own.rule_kind != "otherwise" else self.e.line_above

    @property
    def is_too_new(self) -> bool:
        return self.e.graded != "graded" and self.e.gradable_from is not None and self.e.gradable_from > self.e.as_of

    @property
    def fall(self) -> Decimal | None:
        """The fall that costs the tier; None where no line could be missed, or is missed already."""
        return self.e.gap_down if self.reaches and self.decisive is self.e.line else None

    @property
    def falls_at_the_line(self) -> bool:
        """`above` leaves its bound out: who falls exactly to it has lost the tier."""
        return self.e.line is not None and self.e.line.rule_kind == "above"


class _English(_Sentence):
    language: Language = "en"

    def sentence(self) -> str:
        e = self.e
        who = f"Customer {e.customer}"
        if e.is_past:
            return (
                f"{who} on {self.day(e.as_of)} ({e.policy_label_en}), as decided then: it {self._opening()};"
                " the value and the line of that day are not in the current release."
            )
        parts = [self._too_new(), self._value(), self._kept(), self._ways(), self._review()]
        return f"{who} {self._opening()} ({e.policy_label_en}): {'; '.join(part for part in parts if part)}."

    def _opening(self) -> str:
        e = self.e
        since, tier = self.day(e.tier_since), e.tier_label_en
        if e.graded == "not_graded":
            return f"was not graded (since {since})" if e.is_past else "is not graded"
        if e.graded == "provisional":
            return f"has been provisionally {tier} since {since}"
        became = e.is_past or e.tier_since == e.as_of
        openings = {
            "reached": f"became {tier} on {since}" if became else f"has been {tier} since {since}",
            "existing": f"was taken over as {tier} on {since}",
            "promoted": f"rose to {tier} on {since}",
            "demoted": f"fell to {tier} on {since}",
            "unchanged": f"has been {tier} since {since}",
            "override": f"has been {tier} since {since} because a person decided so",
            "override_ended": f"has been {tier} since {since}, after a person's decision ended",
            "merged": f"has been {tier} since {since}, after records of one customer were joined",
            "split": f"has been {tier} since {since}, after records of several customers were parted",
            "waiting_for_seat": f"has been {tier} since {since} and waits for a seat in a higher tier",
        }
        return openings.get(e.reason, f"keeps {tier}, held since {since}")

    def _too_new(self) -> str:
        e = self.e
        if not self.is_too_new or e.first_sale_on is None or e.gradable_from is None:
            return ""
        return f"it first bought on {self.day(e.first_sale_on)} and can be graded from {self.day(e.gradable_from)} on"

    def _value(self) -> str:
        e = self.e
        label = in_a_sentence(e.measure_label_en, "en")
        if e.value is None:
            unknown = f"nothing is known of its {label}"
            return unknown if e.graded == "graded" else f"{unknown}, so it cannot be graded"
        having = f"{label} of {self.said[e.value]}"
        line = self.decisive
        if line is None:
            return f"so far it has {having}"
        if line.value is None:
            seats = f"the top {percent(line.share or Decimal(0), 'en')} of {number(e.ranked_customers or 0, 'en')}"
            said = f"with {having} it cannot reach {line.label_en} today, as {seats} customers is less than one seat"
        elif self.is_behind_the_last_seat:
            said = f"with {having} it stands on the line for {self._tier(line)}, but behind its last seat"
        else:
            verb = "reaches" if self.reaches else "does not reach"
            end = "more than " if line.rule_kind == "above" else ""
            said = f"with {having} it {verb} the line of {end}{self.said[line.value]} for {self._tier(line)}"
        return said + self._rank()

    def _tier(self, line: Line) -> str:
        return line.label_en if line.share is None else f"{line.label_en} (top {percent(line.share, 'en')})"

    def _rank(self) -> str:
        e = self.e
        if e.rank_position is None or e.value is None:
            return ""
        rank, ranked = number(e.rank_position, "en"), number(e.ranked_customers or 0, "en")
        would = "would rank" if e.graded == "provisional" else "ranks"
        if e.value <= 0:
            return f" and {would} {rank}, behind all {ranked} customers above 0"
        return f" and {would} {rank} of {ranked}"

    def _kept(self) -> str:
        return {
            "held_by_band": "near a line nobody loses a tier",
            "held_by_confirmation": "a change counts once it has lasted the days the policy asks for",
            "held_by_grace": "the days of grace are not over",
            "held_by_stay": "the minimum stay is not over",
            "held_by_calendar": "tiers change on review days only",
            "held_by_guard": "last night's changes wait for a person to decide",
            "held_not_eligible": "it cannot be graded today, and keeps what it held",
        }.get(self.e.reason, "")

    def _ways(self) -> str:
        e = self.e
        ways = []
        if e.gap_up is not None and e.line_above is not None:
            more = self.figures.difference(e.gap_up, ROUND_CEILING)
            ways.append(f"{more} more would make it {e.line_above.label_en}")
        elif e.tier_rank == 1:
            ways.append("there is no tier above")
        fall = self.fall
        if fall == 0:
            ways.append(f"any fall would cost it {e.tier_label_en}")
        elif fall is not None:
            beyond = "" if self.falls_at_the_line else "more than "
            ways.append(
                f"a fall of {beyond}{self.figures.difference(fall, ROUND_FLOOR)} would cost it {e.tier_label_en}"
            )
        return ", and ".join(ways)

    def _review(self) -> str:
        return f"next review on {self.day(self.e.next_review)}" if self.e.next_review else ""


class _Chinese(_Sentence):
    language: Language = "zh"

    def sentence(self) -> str:
        e = self.e
        who = f"客户 {e.customer} "
        if e.is_past:
            return (
                f"{who}在{self.day(e.as_of)}的评定结果（{e.policy_label_zh}，以当时的评定为准）：{self._opening()}；"
                "当前发布中没有当日的数值和分级线。"
            )
        parts = [self._too_new(), self._value(), self._kept(), self._ways(), self._review()]
        return f"{who}{self._opening()}（{e.policy_label_zh}）：{'；'.join(part for part in parts if part)}。"

    def _opening(self) -> str:
        e = self.e
        since, tier = self.day(e.tier_since), e.tier_label_zh
        if e.graded == "not_graded":
            return f"自{since}起未参与分级" if e.is_past else "暂不参与分级"
        if e.graded == "provisional":
            return f"自{since}起暂列{tier}"
        became = e.is_past or e.tier_since == e.as_of
        openings = {
            "reached": f"于{since}评为{tier}" if became else f"自{since}起为{tier}",
            "existing": f"于{since}沿用原有等级{tier}",
            "promoted": f"于{since}升为{tier}",
            "demoted": f"于{since}降为{tier}",
            "unchanged": f"自{since}起为{tier}",
            "override": f"自{since}起由人工指定为{tier}",
            "override_ended": f"人工指定结束后，自{since}起为{tier}",
            "merged": f"客户档案合并后，自{since}起为{tier}",
            "split": f"客户档案拆分后，自{since}起为{tier}",
            "waiting_for_seat": f"自{since}起为{tier}，正在等待更高等级的名额",
        }
        return openings.get(e.reason, f"保留自{since}起的{tier}等级")

    def _too_new(self) -> str:
        e = self.e
        if not self.is_too_new or e.first_sale_on is None or e.gradable_from is None:
            return ""
        return f"首次购买于{self.day(e.first_sale_on)}，自{self.day(e.gradable_from)}起可正式分级"

    def _value(self) -> str:
        e = self.e
        label = in_a_sentence(e.measure_label_zh, "zh")
        if e.value is None:
            return f"{label}未知" if e.graded == "graded" else f"{label}未知，因此无法正式分级"
        having = f"{label}为{self.said[e.value]}"
        line = self.decisive
        if line is None:
            return f"目前{having}"
        if line.value is None:
            seats = f"{number(e.ranked_customers or 0, 'zh')}名客户的{percent(line.share or Decimal(0), 'zh')}"
            said = f"{having}，今日无法升入{line.label_zh}（{seats}不足一个名额）"
        elif self.is_behind_the_last_seat:
            said = f"{having}，与{self._tier(line)}的分级线持平，但排在最后一个名额之后"
        else:
            verb = "达到" if self.reaches else "未达到"
            if line.rule_kind == "above":
                verb = "超过" if self.reaches else "未超过"
            said = f"{having}，{verb}{self._tier(line)}的分级线{self.said[line.value]}"
        return said + self._rank()

    def _tier(self, line: Line) -> str:
        return line.label_zh if line.share is None else f"{line.label_zh}（前{percent(line.share, 'zh')}）"

    def _rank(self) -> str:
        e = self.e
        if e.rank_position is None or e.value is None:
            return ""
        rank, ranked = number(e.rank_position, "zh"), number(e.ranked_customers or 0, "zh")
        would = "相当于排" if e.graded == "provisional" else "排"
        if e.value <= 0:
            return f"，{would}第{rank}位，在{ranked}名数值为正的客户之后"
        return f"，在{ranked}名客户中{would}第{rank}位"

    def _kept(self) -> str:
        return {
            "held_by_band": "在分级线附近不会失去等级",
            "held_by_confirmation": "变动须持续满规定天数才生效",
            "held_by_grace": "宽限期未满",
            "held_by_stay": "最短保级期未满",
            "held_by_calendar": "等级只在评定日变动",
            "held_by_guard": "昨夜的变动有待人工决定",
            "held_not_eligible": "今日不符合分级条件，保留原等级",
        }.get(self.e.reason, "")

    def _ways(self) -> str:
        e = self.e
        ways = []
        if e.gap_up is not None and e.line_above is not None:
            ways.append(f"再增加{self.figures.difference(e.gap_up, ROUND_CEILING)}可升为{e.line_above.label_zh}")
        elif e.tier_rank == 1:
            ways.append("已是最高等级")
        fall = self.fall
        if fall == 0:
            ways.append(f"稍有减少即失去{e.tier_label_zh}等级")
        elif fall is not None:
            beyond = "" if self.falls_at_the_line else "超过"
            ways.append(f"减少{beyond}{self.figures.difference(fall, ROUND_FLOOR)}将失去{e.tier_label_zh}等级")
        return "，".join(ways)

    def _review(self) -> str:
        return f"下次评定：{self.day(self.e.next_review)}" if self.e.next_review else ""
