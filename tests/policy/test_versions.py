"""The version of a policy is what it says: no more (comments, order of keys), and no less (every number)."""

from __future__ import annotations

import json
import random
from datetime import date
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
REGIONS = st.sampled_from(["North", "South", "华东", "a b", '"', "\\"])
ALL: dict[str, Any] = {"tier": "both", "labels": "Both"}
REST = {"tier": "rest", "labels": "Rest", "otherwise": True}
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


@SLOW_IS_FINE
@given(share=SHARE, bound=BOUND, days=DAYS, luck=st.randoms(use_true_random=False))
def test_comments_and_the_order_of_keys_never_change_a_version(
    policy_file: Path, share: Decimal, bound: Decimal, days: int, luck: random.Random
) -> None:
    said = _said(share, max(bound, Decimal("0.02")), days)
    policy_file.write_text(f"# graded\npyramid:\n  {_as_yaml(said, luck)}\n", encoding="utf-8")
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
        pytest.param("stability", {"grace_days": 1}, id="a_day_of_grace"),
        pytest.param("stability", {"maximum_steps_down": 1}, id="one_step_down"),
        pytest.param("review_calendar", "monthly", id="another_calendar"),
        pytest.param("applies_to", {"subject_type": "company"}, id="for_companies"),
        pytest.param("rank_within", "region", id="within_each_region"),
        pytest.param("valid_from", date(2026, 1, 1), id="from_a_day_on"),
        pytest.param("owner", "Sales", id="an_owner"),
    ],
)
def test_every_word_belongs_to_the_version(key: str, value: Any) -> None:
    said = _said(Decimal("0.01"), Decimal(5000), 90)
    assert _policy(said | {key: value}).version != _policy(said).version


def test_what_is_left_out_and_its_default_are_one_policy() -> None:
    said = _said(Decimal("0.01"), Decimal(5000), 0)
    defaults = {
        "then_by": [],
        "eligible": {"after_days": 0, "otherwise": "not_graded", "minimum_coverage": Decimal("0.50")},
        "currency": "GBP",
        "applies_to": {},
        "stability": {
            "promotion_band": Decimal("0.0"),
            "demotion_band": Decimal(0),
            "minimum_stay_days": 0,
            "grace_days": 0,
            "confirm_days": 1,
        },
        "review_calendar": "nightly",
        "unit": "customer",
    }
    left_out = {key: value for key, value in said.items() if key not in defaults}
    assert _policy(left_out | defaults).version == _policy(left_out).version


ONE_MEANING = [
    pytest.param({"stability": {"confirm_days": 0}}, {}, id="no_confirmation_is_one_day"),
    pytest.param({"stability": {}}, {"applies_to": {}}, id="nothing_named"),
    pytest.param({"review_calendar": "half-yearly"}, {"review_calendar": "half_yearly"}, id="a_hyphen"),
    pytest.param({"applies_to": {"region": "North"}}, {"applies_to": {"region": ["North"]}}, id="one_value"),
    pytest.param(
        {"applies_to": {"region": ["South", "North"]}}, {"applies_to": {"region": ["North", "South"]}}, id="two_values"
    ),
    pytest.param({"valid_from": "2026-01-31"}, {"valid_from": date(2026, 1, 31)}, id="a_day_in_quotes"),
    pytest.param(
        {"tiers": [ALL | {"all": [{"measure": "net_revenue_12m", "above": 5}]}, REST]},
        {"tiers": [ALL | {"all": [{"above": Decimal("5.0")}]}, REST]},
        id="the_policy_s_own_measure",
    ),
]


@pytest.mark.parametrize(("one", "other"), ONE_MEANING)
def test_two_ways_to_say_the_same_are_one_version(one: dict[str, Any], other: dict[str, Any]) -> None:
    said = _said(Decimal("0.01"), Decimal(5000), 90)
    assert _policy(said | one).version == _policy(said | other).version


@SLOW_IS_FINE
@given(
    valid_from=st.none() | st.dates(),
    bands=st.tuples(SHARE, SHARE),
    days=st.tuples(DAYS, DAYS, st.integers(1, 36_500)),
    steps=st.none() | st.integers(1, 9),
    cap=st.none() | st.integers(1, 10**12),
    region=st.lists(REGIONS, min_size=1, max_size=3, unique=True),
    line=st.fixed_dictionaries({"top_share": SHARE}) | st.fixed_dictionaries({"above": BOUND}),
    calendar=st.sampled_from(["nightly", "monthly", "quarterly", "half_yearly", "anniversary"]),
    coverage=st.integers(0, 10_000).map(lambda n: Decimal(n).scaleb(-4)),
)
def test_a_text_with_every_key_reads_back_as_the_same_policy(
    valid_from: date | None,
    bands: tuple[Decimal, Decimal],
    days: tuple[int, int, int],
    steps: int | None,
    cap: int | None,
    region: list[str],
    line: dict[str, Decimal],
    calendar: str,
    coverage: Decimal,
) -> None:
    said: dict[str, Any] = _said(Decimal("0.01"), Decimal(5000), 90) | {
        "owner": "销售部",
        "applies_to": {"region": region, "subject_type": ["company"]},
        "rank_within": "region",
        "review_calendar": calendar,
        "eligible": {"minimum_coverage": coverage},
        "stability": {
            "promotion_band": bands[0],
            "demotion_band": bands[1],
            "minimum_stay_days": days[0],
            "grace_days": days[1],
            "confirm_days": days[2],
        },
        "tiers": [
            {"tier": "chosen", "labels": "Chosen", "manual": True},
            ALL | {"all": [line, {"measure": "orders_12m", "at_least": 4}]} | ({"seat_cap": cap} if cap else {}),
            REST,
        ],
    }
    if valid_from:
        said["valid_from"] = valid_from
    if steps:
        said["stability"]["maximum_steps_down"] = steps
    written = _policy(said)
    read = Policy.from_text("pyramid", written.text)
    assert (read.text, read.version, read.entry.tiers) == (written.text, written.version, written.entry.tiers)
    assert (read.entry.valid_from, read.entry.applies_to) == (written.entry.valid_from, written.entry.applies_to)
    assert (read.entry.stability, read.entry.eligible) == (written.entry.stability, written.entry.eligible)


def test_the_text_of_every_key_is_what_a_person_can_read() -> None:
    said = {
        "status": "shadow",
        "labels": "Chosen",
        "owner": "Sales",
        "valid_from": date(2026, 1, 31),
        "measure": "net_revenue_12m",
        "applies_to": {"region": ["South", "North"]},
        "rank_within": "channel",
        "eligible": {"minimum_coverage": 0},
        "stability": {"promotion_band": Decimal("0.150"), "confirm_days": 2, "maximum_steps_down": 1},
        "review_calendar": "half-yearly",
        "tiers": [
            {"tier": "chosen", "labels": "Chosen", "manual": True},
            ALL | {"all": [{"top_share": Decimal("0.10")}, {"measure": "orders_12m", "at_least": 4}], "seat_cap": 50},
            REST,
        ],
    }
    assert _policy(said).text == (
        '{"applies_to":{"region":["North","South"]},"currency":"GBP","eligible":{"minimum_coverage":0},'
        '"labels":{"en":"Chosen","zh":"Chosen"},"measure":"net_revenue_12m","owner":"Sales","rank_within":"channel",'
        '"review_calendar":"half_yearly","stability":{"confirm_days":2,"maximum_steps_down":1,"promotion_band":0.15},'
        '"status":"shadow","tiers":[{"labels":{"en":"Chosen","zh":"Chosen"},"manual":true,"tier":"chosen"},'
        '{"all":[{"top_share":0.1},{"at_least":4,"measure":"orders_12m"}],"labels":{"en":"Both","zh":"Both"},'
        '"seat_cap":50,"tier":"both"},{"labels":{"en":"Rest","zh":"Rest"},"otherwise":true,"tier":"rest"}],'
        '"valid_from":"2026-01-31"}'
    )
