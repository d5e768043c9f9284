"""RESULTS.md out of the results: a table a measure, and what was promised beside what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import frame, year
from benchmarks.frame import Case, Contestant, Size

_HEAD = """\
# What things cost

Written by `make bench{small}`; nothing here is typed by hand. Everybody of a table did the same work on the same input,
in turn, each time in a fresh process; where results can be compared they were, row by row. Seconds and CPU seconds are
medians, memory is the largest resident set of the process; a ratio is the median of the ratios within each round.
Seconds are those of one machine: trust the ratios.
"""


def page(size: Size) -> Path:
    return size.results / "RESULTS.md"


def write(size: Size, cases: list[Case]) -> None:
    """Write what is measured so far."""
    measured = [(case, held) for case in cases if (held := frame.read(case, size)) is not None]
    if not measured:
        return
    machine = measured[-1][1]["machine"]
    aims = [(held["title"], *_aim(aim, held["absent"])) for _, held in measured for aim in held["aims"]]
    nights = year.read() if size is frame.BIG else None
    if nights is not None:
        aims.append(("A year of nights", *_aim(_growth(nights), {})))
    parts = [
        _HEAD.format(small=" SIZE=small" if size is frame.SMALL else ""),
        f"The machine: {_told(machine)}.",
        _table(("", "what we promise", "aim", "found", ""), aims),
    ]
    for case, held in measured:
        parts += _about(case, held, machine)
    if nights is not None:
        parts += _about_the_year(nights, machine)
    page(size).write_text("\n\n".join(parts) + "\n")


def _about(case: Case, held: dict[str, Any], machine: dict[str, Any]) -> Iterator[str]:
    samples, absent = held["samples"], held["absent"]
    yield f"## {held['title']}"
    yield f"{held['measures']} Measured with {held['size']}."
    yield _table(
        ("", "seconds", "times ours", "CPU seconds", "peak MiB", "rounds"),
        [_contestant(one, case, samples) for one in case.contestants if one.name in samples],
    )
    if absent:
        yield "\n".join(f"* {name}: {reason}." for name, reason in absent.items())
    steps = {name: of for name, of in samples.items() if of[0]["steps"]}
    if steps:
        named = list(dict.fromkeys(step for of in steps.values() for step in of[0]["steps"]))
        seconds = [[_seconds_of(step, of) for of in steps.values()] for step in named]
        yield _table(("seconds of a step", *steps), [(step, *row) for step, row in zip(named, seconds, strict=True)])
    busy = max((sample["load"] for of in samples.values() for sample in of), default=0)
    elsewhere = "" if held["machine"] == machine else f" {_told(held['machine'])}."
    yield (
        f"{held['measured_on']}, code {held['code']}, load up to {busy:.1f};"
        f" the engine may take {held['engine_memory']}.{elsewhere}"
    )


def _seconds_of(step: str, samples: list[dict[str, Any]]) -> str:
    return f"{median(frame.values(samples, step)):,.1f}" if all(step in one["steps"] for one in samples) else ""


def _growth(nights: dict[str, Any]) -> dict[str, Any]:
    promise = "the last month's nights over the first month's, CPU seconds"
    return {"promise": promise, "at_most": 1.25, "found": nights["growth"], "is_met": nights["growth"] <= 1.25}


def _about_the_year(nights: dict[str, Any], machine: dict[str, Any]) -> Iterator[str]:
    yield "## A year of nights"
    yield (
        f"{len(nights['nights'])} times `tierwise run`, a night each, on a company with {nights['lines_before']:,} order"
        f" lines behind it and {nights['lines_a_night']} a night; each in a process that has everything imported. One"
        f" backfill of the same days took {nights['backfill_seconds']:,.0f} s and left"
        f" {'other marts: ' + ', '.join(nights['differing']) if nights['differing'] else 'the same marts'}."
    )
    steps = list(nights["nights"][0]["steps"])
    yield _table(
        ("median seconds", "a night", "CPU", *steps),
        [
            (
                named,
                f"{median(night.seconds for night in month):,.2f}",
                f"{median(night.cpu_seconds for night in month):,.2f}",
                *(f"{median(night.steps[step] for night in month):,.1f}" for step in steps),
            )
            for named, month in year.months(nights)
        ],
    )
    elsewhere = "" if nights["machine"].items() <= machine.items() else f" {_told(nights['machine'])}."
    yield f"{nights['measured_on']}, code {nights['code']}, commit {nights['commit'][:12]}.{elsewhere}"


def _contestant(one: Contestant, case: Case, samples: dict[str, list[dict[str, Any]]]) -> Sequence[str]:
    beside = one.beside or case.contestants[0].name
    ratio = frame.Aim("", one.name, beside).found(samples)
    of = samples[one.name]
    return (
        one.name,
        f"{median(frame.values(of, 'seconds')):,.2f}",
        "" if one.name == beside or ratio is None else f"{ratio:,.2f}",
        f"{median(frame.values(of, 'cpu_seconds')):,.2f}",
        f"{max(frame.values(of, 'peak_mib')):,.0f}",
        str(len(of)),
    )


def _aim(aim: dict[str, Any], absent: Mapping[str, str]) -> Sequence[str]:
    bound = f"≤ {aim['at_most']:,g}" if "at_most" in aim else f"≥ {aim['at_least']:,g}"
    if aim["found"] is None:  # who broke down has not kept what was promised
        return aim["promise"], bound, "", "**missed**" if aim["of"] in absent else "not measured"
    found = f"{aim['found']:,.0f}" if aim["found"] >= 100 else f"{aim['found']:,.2f}"
    return aim["promise"], bound, found, "met" if aim["is_met"] else "**missed**"


def _told(machine: dict[str, Any]) -> str:
    versions = dict(machine)
    cores, memory, system = (versions.pop(key) for key in ("cores", "memory_gib", "system"))
    return f"{cores} cores, {memory} GiB, {system}; {', '.join(' '.join(one) for one in versions.items())}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
