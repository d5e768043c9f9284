"""The version of a policy is what it says: no more (comments, order of keys), and no less (every number)."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tierwise import policy
from tierwise.policy.grammar import PolicyEntry
from tierwise.policy.rules import Policy

SHARE = st.integers(1, 9_999_999_999).map(lambda n: Decimal(n).scaleb(-10))
BOUND = st.integers(-(10**18) + 1, 10**18 - 1).map(lambda n: Decimal(n).scaleb(-4))
DAYS = st.integers(0, 36_500)
SLOW_IS_FINE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)


def _said(share: Decimal, bound: Decimal, days: int) -> dict[str, Any]:
    return {
        "status": "active",
        "primary": True,
        "labels": {"en": "Pyramid", "zh": "金字塔"},
        "measure": "net_revenue_12m",
        "then_by": ["orders_12m"],
        "eligible": {"after_days": days, "otherwise": "provisional"},
        "tiers": [
            {"tier": "vip", "labels": {"en": "VIP", "zh": "VIP"}, "top_share": share},
            {"tier": "key", "labels": {"en": "Key", "zh": "大客户"}, "at_least": bound},
            {"tier": "rest", "labels": {"en": "Rest", "zh": "其他"}, "otherwise": True},
        ],
    }


def _policy(said: dict[str, Any]) -> Policy:
    return Policy("pyramid", PolicyEntry.model_validate(said), "GBP")


def _as_yaml(value: Any, shuffled: random.Random) -> str:
    """The value as somebody else would write it: keys in any order, a comment after every line, zeros behind."""
    if isinstance(value, dict):
        keys = list(value)
        shuffled.shuffle(keys)
        return "{" + ", ".join(f"{key}: {_as_yaml(value[key], shuffled)}" for key in keys) + "} # a comment\n  "
    if isinstance(value, list):
        return "[" + ", ".join(_as_yaml(item, shuffled) for item in value) + "]"
    if isinstance(value, Decimal):
        written = format(value, "f")
        return written + "0" * shuffled.randint(0, 3) if "." in written else written
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture
def files(home: Path) -> Path:
    return home / "config" / "tier_policies.yml"


@SLOW_IS_FINE
@given(share=SHARE, bound=BOUND, days=DAYS, luck=st.randoms(use_true_random=False))
def test_comments_and_the_order_of_keys_never_change_a_version(
    files: Path, share: Decimal, bound: Decimal, days: int, luck: random.Random
) -> None:
    said = _said(share, max(bound, Decimal("0.02")), days)
    files.write_text(f"# graded\npyramid:\n  {_as_yaml(said, luck)}\n", encoding="utf-8")
    (read,) = policy.load()
    assert (read.version, read.text) == (_policy(said).version, _policy(said).text)


@SLOW_IS_FINE
@given(share=st.tuples(SHARE, SHARE), bound=st.tuples(BOUND, BOUND), days=st.tuples(DAYS, DAYS))
def test_a_version_changes_exactly_with_the_numbers(
    share: tuple[Decimal, Decimal], bound: tuple[Decimal, Decimal], days: tuple[int, int]
) -> None:
    one = _policy(_said(share[0], bound[0], days[0]))
    for changed in (
        _said(share[1], bound[0], days[0]),
        _said(share[0], bound[1], days[0]),
        _said(share[0], bound[0], days[1]),
    ):
        numbers = [(t["top_share"] if "top_share" in t else t.get("at_least")) for t in changed["tiers"]]
        same = (*numbers[:2], changed["eligible"]["after_days"]) == (share[0], bound[0], days[0])
        assert (_policy(changed).version == one.version) is same


@SLOW_IS_FINE
@given(share=SHARE, bound=BOUND, days=DAYS)
def test_a_canonical_text_reads_back_as_the_same_policy(share: Decimal, bound: Decimal, days: int) -> None:
    written = _policy(_said(share, bound, days))
    read = Policy.from_text("pyramid", written.text)
    assert (read.entry.tiers, read.entry.eligible, read.text) == (
        written.entry.tiers,
        written.entry.eligible,
        written.text,
    )


def test_the_canonical_text_is_what_a_person_can_read() -> None:
    said = _said(Decimal("0.290"), Decimal("5000.00"), 90)
    assert _policy(said).text == (
        '{"currency":"GBP","eligible":{"after_days":90,"otherwise":"provisional"},"labels":{"en":"Pyramid",'
        '"zh":"金字塔"},"measure":"net_revenue_12m","primary":true,"status":"active","then_by":["orders_12m"],"tiers":['
        '{"labels":{"en":"VIP","zh":"VIP"},"tier":"vip","top_share":0.29},'
        '{"at_least":5000,"labels":{"en":"Key","zh":"大客户"},"tier":"key"},'
        '{"labels":{"en":"Rest","zh":"其他"},"otherwise":true,"tier":"rest"}]}'
    )
    # printf '%s' '{"currency":...}' | sha256sum | cut -c1-12
    assert _policy(said).version == "f0b564ed2f7a"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("status", "shadow", id="a_shadow_is_not_the_active_one"),
        pytest.param("labels", {"en": "Pyramid", "zh": "价值金字塔"}, id="another_label"),
        pytest.param("measure", "gross_profit_12m", id="another_measure"),
        pytest.param("then_by", ["tenure_days"], id="another_way_to_break_ties"),
        pytest.param("eligible", {"after_days": 90}, id="not_graded_in_place_of_provisional"),
    ],
)
def test_every_word_belongs_to_the_version(key: str, value: Any) -> None:
    said = _said(Decimal("0.01"), Decimal(5000), 90)
    assert _policy(said | {key: value}).version != _policy(said).version


def test_what_is_left_out_and_its_default_are_one_policy() -> None:
    said = _said(Decimal("0.01"), Decimal(5000), 0)
    spelt_out = said | {"then_by": [], "eligible": {"after_days": 0, "otherwise": "not_graded"}, "currency": "GBP"}
    left_out = {key: value for key, value in spelt_out.items() if key not in ("then_by", "eligible", "currency")}
    assert _policy(spelt_out).version == _policy(left_out).version
