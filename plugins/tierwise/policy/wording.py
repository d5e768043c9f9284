"""How a policy's numbers and lines are said, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_precision, get_currency_symbol

from tierwise.policy.catalogue import Measure, measures
from tierwise.policy.grammar import Tier
from tierwise.policy.rules import Policy

Language = Literal["en", "zh"]

_LOCALES: dict[Language, str] = {"en": "en_GB", "zh": "zh_CN"}
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
        said = number(value, self.language)
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
        if self.language == "en" or self.measure.unit != "money":
            return value
        size, unit = _shortened(abs(value), digits, ROUND_HALF_EVEN)
        scale = {name: factor for factor, name in _CHINESE_UNITS}.get(unit, Decimal(1))
        return (size * scale).copy_sign(value)


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


def show(policies: Sequence[Policy]) -> list[Shown]:
    """Every tier with its line in words, policies and tiers in their order. Bounds on money are in `currency`."""
    catalogue = measures()
    return [
        _shown(policy, position, catalogue[policy.entry.measure])
        for policy in policies
        for position in range(len(policy.tiers))
    ]


def _shown(policy: Policy, position: int, measure: Measure) -> Shown:
    tier = policy.tiers[position]
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
        rule_en=rule(policy, position, measure, "en"),
        rule_zh=rule(policy, position, measure, "zh"),
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


def rule(policy: Policy, position: int, measure: Measure, language: Language) -> str:
    """The line of one tier as people say it: `超过100万`, `next 4% (top 5% in all)`, `below 500,000`.

    以上 and 以下 take their number in, 超过 and 不满 leave it out (Civil Code, article 1259).
    """
    tier = policy.tiers[position]
    above = policy.tiers[:position]
    figures = Figures(measure, None, language)
    if tier.share is not None:
        return _share(tier.share, above[-1].share if above else None, language)
    if tier.bound is not None:
        upper = above[-1] if above and above[-1].bound is not None else None
        return _between(tier, upper, figures)
    if above and all(higher.bound is not None for higher in above):
        return _below(above[-1], figures)
    return "everybody else" if language == "en" else "其余客户"


def _share(share: Decimal, before: Decimal | None, language: Language) -> str:
    whole = percent(share, language)
    if before is None:
        return f"top {whole}" if language == "en" else f"前{whole}"
    step = percent(share - before, language)
    return f"next {step} (top {whole} in all)" if language == "en" else f"其次{step}（累计前{whole}）"


def _between(tier: Tier, upper: Tier | None, figures: Figures) -> str:
    low = figures.exact(tier.bound or Decimal(0))
    english = figures.language == "en"
    if tier.rule_kind == "above":
        said = f"above {low}" if english else f"超过{low}"
    else:
        said = f"{low} or more" if english else f"{low}以上（含）"
    if upper is None:
        return said
    return said + (", " if english else "、") + _below(upper, figures)


def _below(upper: Tier, figures: Figures) -> str:
    high = figures.exact(upper.bound or Decimal(0))
    english = figures.language == "en"
    if upper.rule_kind == "above":
        return f"{high} or less" if english else f"{high}以下（含）"
    return f"below {high}" if english else f"不满{high}"
