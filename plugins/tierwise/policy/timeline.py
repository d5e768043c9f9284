"""The tiers of one customer as a line of text, in English or in Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tierwise.policy.explanation import Step
    from tierwise.policy.wording import Language

_WHY: dict[str, tuple[str, str]] = {
    "reached": ("graded", "首次评定"),
    "provisional": ("too new to be graded", "暂不满足评定条件"),
    "not_graded": ("too new to be graded", "暂不满足评定条件"),
    "existing": ("held before the policy", "沿用原有等级"),
    "promoted": ("rose", "升级"),
    "demoted": ("fell", "降级"),
    "override": ("decided by a person", "人工指定"),
    "override_ended": ("that decision ended", "人工指定结束"),
    "waiting_for_seat": ("seats above are taken", "上级名额已满，候补"),
    "merged": ("records joined", "档案合并"),
    "split": ("records parted", "档案拆分"),
    "left_population": ("left the policy", "不再属于评定范围"),
    "policy_paused": ("policy paused", "规则暂停"),
}
_CAUSES: dict[str, tuple[str, str]] = {
    "policy_changed": ("policy changed", "规则调整"),
    "identity_changed": ("records joined or parted", "档案合并或拆分"),
    "data_corrected": ("records corrected", "数据更正"),
    "model_refitted": ("forecast recalculated", "预测重新计算"),
    "behaviour": ("own business", "自身业务"),
    "others_moved": ("other customers moved", "其他客户变动"),
}
_ARROW = "──▶ "


def drawn(history: Sequence[Step], language: Language, width: int = 80) -> list[str]:
    """The tiers of a customer from left to right, each over the reason it came by, in lines of at most `width` cells."""
    lines = ["", ""]
    for position, step in enumerate(history, start=1):
        block = _block(step, language, is_last=position == len(history))
        gap = " " if lines[-2] else ""
        if cell_len(lines[-2] + gap + _ARROW) + max(map(cell_len, block)) > width:
            lines += ["", ""]
            gap = ""
        arrow = gap + _ARROW if position > 1 else ""
        start = cell_len(lines[-2])
        lines[-1] = _padded(lines[-1], start + len(arrow)) + block[1]
        lines[-2] = _padded(lines[-2] + arrow + block[0], cell_len(lines[-1]))
    return [line.rstrip() for line in lines if line]


def _block(step: Step, language: Language, *, is_last: bool) -> tuple[str, str]:
    word = 0 if language == "en" else 1
    tier = (step.tier_label_en, step.tier_label_zh)[word] or ("not graded", "未分级")[word]
    if step.reason in ("left_population", "policy_paused"):
        tier = "—"
    elif step.graded == "provisional":
        tier += (" (provisional)", "（暂列）")[word]
    since = ("since ", "自")[word] if is_last and step.valid_to is None else ""
    began = f"{since}{step.valid_from}" + ("起" if since and language == "zh" else "")
    why = _WHY.get(step.reason, ("", ""))[word]
    if step.cause and step.reason in ("promoted", "demoted", "waiting_for_seat") and step.cause in _CAUSES:
        why += (": ", "：")[word] + _CAUSES[step.cause][word]
    return f"{tier} {began}", why


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
