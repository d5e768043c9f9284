"""Nights that are killed or halted at a random moment do no harm; a build without the guard is found out."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def crashes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import crashes

    return crashes


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return tmp_path_factory.mktemp("crashes")


@pytest.mark.slow
def test_after_kill_nothing_is_lost_and_readers_saw_whole_releases(crashes, room):
    cases = crashes.run(crashes.kill, range(1001, 1006), room)
    assert [case for case in cases if case.harm] == []
    assert all(case.reads > 50 for case in cases)


@pytest.mark.slow
def test_one_who_was_halted_while_a_successor_finished_does_no_harm_and_says_so(crashes, room):
    cases = crashes.run(crashes.stop, range(1001, 1004), room)
    assert [case for case in cases if case.harm] == []


@pytest.mark.slow
def test_a_build_without_the_guard_is_found_out(crashes, room):
    """A reader who has just opened the half-built file locks the build out, which then ends by itself and does no harm:
    rare, and why there are three tries."""
    assert any(case.harm for seed in (1, 2, 3) for case in crashes.run(crashes.without_guard, [seed], room))


def test_the_result_that_is_committed_holds_what_is_promised(crashes):
    cases = crashes.read(crashes.RESULTS)
    counted = Counter(case.kind for case in cases)
    assert (counted["kill"], counted["stop"], counted["without_guard"]) == (200, 50, 3)
    assert [case for case in cases if bool(case.harm) != (case.kind == "without_guard")] == []
    assert len({(case.kind, case.seed) for case in cases}) == len(cases)
    assert all(re.fullmatch("[0-9a-f]{40}", case.commit) for case in cases)
