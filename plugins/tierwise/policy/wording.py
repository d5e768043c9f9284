"""How a policy's numbers and lines are said, in English and in Chinese."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from babel.core import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_precision, get_currency_symbol

from tierwise.policy.catalogue import Measure, measures
from tierwise.policy.grammar import Attribute, Calendar, Condition, Tier
from tierwise.policy.rules import Policy
from tierwise.policy.scores import Scoring, of_dimension

Language = Literal["en", "zh"]

_LOCALES: dict[Language, Locale] = {"en": Locale.parse("en_GB"), "zh": Locale.parse("zh_CN")}
_CHINESE_UNITS = ((Decimal(10) ** 8, "亿"), (Decimal(10) ** 4, "万"))
_EVERY_DIGIT = 12


@dataclass(frozen=True)
class Figures:
    """Writes values of one measure in one language: money with its sign, days as days, and so on."""

    measure: Measure
    currency: str | None
    language: Language

    def exact(self, value: Decimal) -> str:
        """To the last digit; in Chinese 50万 where that takes at most two decimals, else the whole number."""
        short = self._said(value, digits=2)
        return short if self._kept(value, 2) == value else self._said(value, digits=None)

    def about(self, value: Decimal, rounding: str = ROUND_HALF_EVEN) -> str:
        """Short where the language has a short way: £2.94万. English figures are always whole."""
        return self._said(value, digits=2, rounding=rounding)

    def side_by_side(self, values: Sequence[Decimal]) -> list[str]:
        """As short as stays true: values that differ are never written alike (£49.99万 and £50万, not both £50万)."""
        for digits in (2, 3, 4):
            said = [self._said(value, digits) for value in values]
            if len(set(said)) == len(set(values)):
                return said
        return [self._said(value, digits=None) for value in values]

    def difference(self, value: Decimal, rounding: str = ROUND_HALF_EVEN) -> str:
        """A gap: the same unit, but between two percentages lie percentage points."""
        if self.measure.unit == "ratio":
            return number(value * 100, self.language) + (" percentage points" if self.language == "en" else "个百分点")
        return self.about(value, rounding)

    def _said(self, value: Decimal, digits: int | None, rounding: str = ROUND_HALF_EVEN) -> str:
        unit = self.measure.unit
        if unit == "money":
            return self._money(value, digits, rounding)
        if unit == "ratio":
            return percent(value, self.language)
        said = number(_to_the_point(value, digits, rounding) if unit == "score" else value, self.language)
        if unit == "days":
            return f"{said}天" if self.language == "zh" else f"{said} day{'' if value == 1 else 's'}"
        if unit == "score":
            return f"{said}分" if self.language == "zh" else f"{said} point{'' if value == 1 else 's'}"
        return said

    def _money(self, value: Decimal, digits: int | None, rounding: str) -> str:
        size, unit = abs(value), ""
        if self.language == "zh" and digits is not None:
            size, unit = _shortened(size, digits, rounding)
        if unit:
            figure = number(size, self.language)
        else:
            places = get_currency_precision(self.currency) if self.currency else 2
            cents = 0 if size == size.to_integral_value() else places
            figure = format_decimal(size, "#,##0." + "0" * cents + "#" * (4 - cents), locale=_LOCALES[self.language])
        return ("-" if value < 0 else "") + self._symbol() + figure + unit

    def _symbol(self) -> str:
        if self.currency is None:
            return ""
        symbol = "¥" if self.currency == "CNY" else get_currency_symbol(self.currency, _LOCALES[self.language])
        return f"{symbol} " if symbol[-1].isalpha() else symbol

    def _kept(self, value: Decimal, digits: int) -> Decimal:
        if self.measure.unit == "score":
            return _to_the_point(value, digits, ROUND_HALF_EVEN)
        if self.language == "en" or self.measure.unit != "money":
            return value
        size, unit = _shortened(abs(value), digits, ROUND_HALF_EVEN)
        scale = {name: factor for factor, name in _CHINESE_UNITS}.get(unit, Decimal(1))
        return (size * scale).copy_sign(value)


def _to_the_point(score: Decimal, digits: int | None, rounding: str) -> Decimal:
    """A score with so many decimals; what would be nothing then stays as it is."""
    short = score if digits is None else score.quantize(Decimal(1).scaleb(-digits), rounding)
    return short or score


def _shortened(size: Decimal, digits: int, rounding: str) -> tuple[Decimal, str]:
    for factor, unit in _CHINESE_UNITS:
        if size >= factor:
            return (size / factor).quantize(Decimal(1).scaleb(-digits), rounding), unit
    return size, ""


@dataclass(frozen=True)
class Shown:
    """One tier of one policy, as `tierwise policy show` prints it."""

    policy: str
    policy_version: str
    status: str
    is_primary: bool
    policy_label_en: str
    policy_label_zh: str
    measure: str
    measure_label_en: str
    measure_label_zh: str
    currency: str | None
    tier: str
    tier_rank: int
    tier_label_en: str
    tier_label_zh: str
    rule_en: str
    rule_zh: str
    terms_en: list[str]
    terms_zh: list[str]


def show(policies: Sequence[Policy]) -> list[Shown]:
    """Every tier with its line in words, policies and tiers in their order. Bounds on money are in `currency`."""
    catalogue = measures()
    return [_shown(policy, position, catalogue) for policy in policies for position in range(len(policy.tiers))]


def _shown(policy: Policy, position: int, catalogue: Mapping[str, Measure]) -> Shown:
    tier, measure = policy.tiers[position], catalogue[policy.entry.measure]
    said = terms(policy, catalogue)
    return Shown(
        policy=policy.name,
        policy_version=policy.version,
        status=policy.entry.status,
        is_primary=policy.entry.primary,
        policy_label_en=policy.entry.labels.en,
        policy_label_zh=policy.entry.labels.zh,
        measure=measure.name,
        measure_label_en=measure.label_en,
        measure_label_zh=measure.label_zh,
        currency=policy.currency,
        tier=tier.tier,
        tier_rank=position + 1,
        tier_label_en=tier.labels.en,
        tier_label_zh=tier.labels.zh,
        rule_en=rule(policy, position, catalogue, "en"),
        rule_zh=rule(policy, position, catalogue, "zh"),
        terms_en=[english for english, _ in said],
        terms_zh=[chinese for _, chinese in said],
    )


def number(value: Decimal | int, language: Language) -> str:
    return format_decimal(value, "#,##0." + "#" * _EVERY_DIGIT, locale=_LOCALES[language])


def percent(share: Decimal, language: Language) -> str:
    return number(share * 100, language) + "%"


def day(when: date, language: Language) -> str:
    return format_date(when, "d MMMM y" if language == "en" else "y年M月d日", locale=_LOCALES[language])


def in_a_sentence(label: str, language: Language) -> str:
    """A column's label as a noun: `Net revenue, 12 months` is `net revenue (12 months)`, `客龄（天）` is `客龄`."""
    if language == "zh":
        return label.removesuffix("（天）")
    name, comma, window = label.partition(", ")
    small = name[:1].lower() + name[1:] if name[1:2].islower() else name
    return f"{small} ({window})" if comma else small


# --- the line of a tier ---------------------------------------------------------------------------------------------


def rule(policy: Policy, position: int, catalogue: Mapping[str, Measure], language: Language) -> str:
    """The line of one tier as people say it: `超过100万`, `next 4% (top 5% in all)`, `below 500,000`.

    以上 and 以下 take their number in, 超过 and 不满 leave it out (Civil Code, article 1259).
    """
    tier = policy.tiers[position]
    said = _line(policy, position, catalogue, language)
    if tier.seat_cap is None:
        return said
    seats = number(tier.seat_cap, language)
    if language == "zh":
        return f"{said}，最多{seats}个名额" + ("（各组分别计算）" if policy.entry.rank_within else "")
    each = f" in each {_ATTRIBUTES[policy.entry.rank_within][0]}" if policy.entry.rank_within else ""
    return f"{said}; at most {seats} seat{'' if tier.seat_cap == 1 else 's'}{each}"


def _line(policy: Policy, position: int, catalogue: Mapping[str, Measure], language: Language) -> str:
    tier = policy.tiers[position]
    above = [higher for higher in policy.tiers[:position] if not higher.manual]
    figures = Figures(catalogue[policy.entry.measure], None, language)
    if tier.manual:
        return "by hand only" if language == "en" else "仅由人工指定"
    if tier.all is not None:
        conditions = tier.conditions(policy.entry.measure)
        said = [_condition(condition, catalogue[condition.measure], language) for condition in conditions]
        return (" and " if language == "en" else "，且").join(said)
    if tier.share is not None:
        return _share(tier.share, above[-1].share if above else None, language)
    if tier.bound is not None:
        upper = above[-1] if above and above[-1].bound is not None else None
        return _between(tier, upper, figures)
    if above and all(higher.bound is not None for higher in above):
        return _below(above[-1], figures)
    return "everybody else" if language == "en" else "其余客户"


def _condition(condition: Condition, measure: Measure, language: Language) -> str:
    label = in_a_sentence(measure.label_en if language == "en" else measure.label_zh, language)
    if condition.share is not None:
        share = percent(condition.share, language)
        return f"top {share} by {label}" if language == "en" else f"{label}居前{share}"
    low = _at_least(condition.kind == "above", condition.bound or Decimal(0), Figures(measure, None, language))
    return f"{label} {'of ' if condition.kind == 'at_least' else ''}{low}" if language == "en" else f"{label}{low}"


def _share(share: Decimal, before: Decimal | None, language: Language) -> str:
    whole = percent(share, language)
    if before is None:
        return f"top {whole}" if language == "en" else f"前{whole}"
    step = percent(share - before, language)
    return f"next {step} (top {whole} in all)" if language == "en" else f"其次{step}（累计前{whole}）"


def _between(tier: Tier, upper: Tier | None, figures: Figures) -> str:
    said = _at_least(tier.rule_kind == "above", tier.bound or Decimal(0), figures)
    if upper is None:
        return said
    return said + (", " if figures.language == "en" else "、") + _below(upper, figures)


def _at_least(is_outside: bool, bound: Decimal, figures: Figures) -> str:
    low = figures.exact(bound)
    if figures.language == "en":
        return f"above {low}" if is_outside else f"{low} or more"
    return f"超过{low}" if is_outside else f"{low}以上（含）"


def _below(upper: Tier, figures: Figures) -> str:
    high = figures.exact(upper.bound or Decimal(0))
    english = figures.language == "en"
    if upper.rule_kind == "above":
        return f"{high} or less" if english else f"{high}以下（含）"
    return f"below {high}" if english else f"不满{high}"


# --- the terms of a policy ------------------------------------------------------------------------------------------

_ATTRIBUTES: dict[Attribute, tuple[str, str]] = {
    "subject_type": ("subject type", "客户类型"),
    "industry": ("industry", "行业"),
    "region": ("region", "地区"),
    "company_size": ("company size", "企业规模"),
    "channel": ("channel", "渠道"),
}
_REVIEWS: dict[Calendar, tuple[str, str]] = {
    "nightly": ("every night", "每晚"),
    "monthly": ("monthly, on the 1st", "每月1日"),
    "quarterly": ("quarterly, on 1 January, April, July and October", "每季度（1月1日、4月1日、7月1日、10月1日）"),
    "half_yearly": ("half-yearly, on 1 January and 1 July", "每半年（1月1日、7月1日）"),
    "anniversary": ("once a year, on the day of the first sale", "每年在首次成交的周年日"),
}
_SCORINGS: dict[Scoring, tuple[str, str]] = {
    "value_share": ("by share of the total", "按占总额比例"),
    "points": ("by points", "按分段计分"),
    "percentile": ("by place among the customers", "按排名百分位"),
}
_SUBJECTS = {"company": "企业", "person": "个人"}

Said = Iterator[tuple[str, str]]  # one sentence in English and in Chinese


def terms(policy: Policy, catalogue: Mapping[str, Measure]) -> list[tuple[str, str]]:
    """What a policy says beside its lines: since when, what its score is made of, whom it is for, what keeps a tier.

    One sentence each, in English and in Chinese.
    """
    measure = catalogue[policy.entry.measure]
    return [
        *_since_when(policy),
        *_made_of(policy, catalogue),
        *_for_whom(policy, measure),
        *_what_keeps_a_tier(policy),
    ]


def _since_when(policy: Policy) -> Said:
    entry = policy.entry
    if entry.owner:
        yield f"Owner: {entry.owner}.", f"负责人：{entry.owner}。"
    if entry.valid_from:
        yield (
            f"Counts from {day(entry.valid_from, 'en')} on; the version before stays in force until then.",
            f"自{day(entry.valid_from, 'zh')}起生效，此前沿用上一版本。",
        )


def _made_of(policy: Policy, catalogue: Mapping[str, Measure]) -> Said:
    score = policy.entry.score
    if score is None:
        return
    for dimension, parts in itertools.groupby(score.each(), key=lambda one: one.dimension):
        found = list(parts)
        whole = sum((one.part.weight for one in found), start=Decimal(0))
        english, chinese = (
            _parts_said(
                [(catalogue[one.part.measure], one.part.scored_by, one.part.weight / whole) for one in found], to
            )
            for to in ("en", "zh")
        )
        if dimension is None:
            yield f"The score is {english}.", f"得分构成：{chinese}。"
            continue
        weight = found[0].dimension_weight / score.weight_of_dimensions
        label = catalogue[of_dimension(dimension)]
        yield (
            f"{percent(weight, 'en')} of the value score is the {in_a_sentence(label.label_en, 'en')}: {english}.",
            f"{label.label_zh}占价值得分的{percent(weight, 'zh')}：{chinese}。",
        )
    if score.neutral is None:
        yield "What is not known gives its weight to the rest.", "未知项的权重由其余各项分担。"
    else:
        neutral = number(score.neutral, "en")
        yield f"What is not known counts as {neutral} points.", f"未知项按{neutral}分计。"


def _parts_said(parts: Sequence[tuple[Measure, Scoring, Decimal]], language: Language) -> str:
    if language == "en":
        return ", ".join(
            f"{in_a_sentence(measure.label_en, 'en')} {percent(share, 'en')} {_SCORINGS[scoring][0]}"
            for measure, scoring, share in parts
        )
    return "、".join(f"{m.label_zh}{percent(share, 'zh')}（{_SCORINGS[scoring][1]}）" for m, scoring, share in parts)


def _for_whom(policy: Policy, measure: Measure) -> Said:
    entry = policy.entry
    named = entry.applies_to.items()
    if named:
        english = " and ".join(f"{_ATTRIBUTES[name][0]} {' or '.join(values)}" for name, values in named)
        chinese = "、".join(f"{_ATTRIBUTES[name][1]}为{'或'.join(map(_value_zh, values))}" for name, values in named)
        yield f"Only for customers with {english}.", f"仅适用于{chinese}的客户。"
    if entry.rank_within:
        english, chinese = _ATTRIBUTES[entry.rank_within]
        yield (
            f"Ranked within each {english}; customers without one are a group of their own.",
            f"按{chinese}分组排名，未填{chinese}的客户自成一组。",
        )
    after = entry.eligible.after_days
    if after and entry.eligible.otherwise == "provisional":
        yield (
            f"Graded {_days_en(after)} after the first sale, provisional until then.",
            f"首次成交满{after}天后正式分级，此前为暂列等级。",
        )
    elif after:
        yield f"Graded {_days_en(after)} after the first sale, not before.", f"首次成交满{after}天后分级，此前不分级。"
    if entry.eligible.minimum_coverage == 0:
        yield (
            f"Customers whose {in_a_sentence(measure.label_en, 'en')} is not known are graded too, below all others.",
            f"{in_a_sentence(measure.label_zh, 'zh')}未知的客户也参与分级，排在所有客户之后。",
        )


def _value_zh(value: str) -> str:
    return _SUBJECTS.get(value, value)


def _what_keeps_a_tier(policy: Policy) -> Said:
    stability = policy.entry.stability
    yield from _bands(policy)
    if stability.confirm_days > 1:
        lasted = stability.confirm_days
        yield f"A change counts once it has lasted {_days_en(lasted)}.", f"变动须持续满{lasted}天才生效。"
    if stability.grace_days:
        grace = stability.grace_days
        yield f"Before a fall there are {_days_en(grace)} of grace.", f"降级前另有{grace}天宽限期。"
    if stability.minimum_stay_days:
        stay = stability.minimum_stay_days
        yield f"A tier is not lost within {_days_en(stay)} of getting it.", f"取得等级后{stay}天内不降级。"
    if stability.maximum_steps_down:
        steps = stability.maximum_steps_down
        yield f"Nobody falls by more than {steps} tier{'' if steps == 1 else 's'} at a time.", f"每次最多降{steps}级。"
    english, chinese = _REVIEWS[policy.entry.review_calendar]
    yield f"Reviewed {english}.", f"{chinese}评定。"


def _bands(policy: Policy) -> Said:
    conditions = [condition for tier in policy.tiers for condition in tier.conditions(policy.entry.measure)]
    bounds, shares = (any(getattr(c, kind) is not None for c in conditions) for kind in ("bound", "share"))
    rise, fall = policy.entry.stability.promotion_band, policy.entry.stability.demotion_band
    if rise:
        band, seats = [percent(rise, "en"), percent(1 - rise, "en")]
        english = [f"pass the bound by {band}"] * bounds + [f"rank within the first {seats} of the seats"] * shares
        chinese = [f"超过分级线{band}"] * bounds + [f"排进名额的前{seats}"] * shares
        yield f"To rise, a customer must {' or '.join(english)}.", f"晋级须{'或'.join(chinese)}。"
    if fall:
        band, seats = [percent(fall, "en"), percent(1 + fall, "en")]
        english = [f"miss the bound by {band}"] * bounds + [f"rank beyond {seats} of the seats"] * shares
        chinese = [f"低于分级线{band}"] * bounds + [f"排到名额的{seats}之外"] * shares
        yield f"To fall, a customer must {' or '.join(english)}.", f"降级须{'或'.join(chinese)}。"


def _days_en(days: int) -> str:
    return f"{number(days, 'en')} day{'' if days == 1 else 's'}"
