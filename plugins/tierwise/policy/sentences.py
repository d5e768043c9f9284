"""An explanation as one sentence that a sales director reads, in English and in Chinese."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from tierwise.policy.wording import Figures, Language, day, in_a_sentence, number, percent

if TYPE_CHECKING:
    from datetime import date

    from tierwise.policy.catalogue import Measure
    from tierwise.policy.explanation import Explanation, Line


class Sentence:
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


class English(Sentence):
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
            verb = "pass" if line.rule_kind == "above" else "reach"
            does = f"{verb}es" if self.reaches else f"does not {verb}"
            said = f"with {having} it {does} the line of {self.said[line.value]} for {self._tier(line)}"
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
            return f", and {would} {rank}, behind all {ranked} customers above 0"
        return f", and {would} {rank} of {ranked}"

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


class Chinese(Sentence):
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
