"""What a night leaves for the next one: its build file. A cache, never a source: it may be deleted at any time."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tierwise import control, manifest
from tierwise.lake import FileRef
from tierwise.manifest import Manifest
from tierwise.settings import settings


@dataclass(frozen=True)
class GoingOn:
    """How a build begins: the files of the log, by stream, that its tables have not seen; or why it begins anew.

    `parent` is the release whose marts stand in the file, where they are those of the night's parent.
    """

    arrived: dict[str, tuple[FileRef, ...]] | None
    anew_because: str | None = None
    parent: str | None = None


BEGINS_ANEW = GoingOn(None)
# What catches up by what moved since the parent's day, not by what arrived: of another night it is no beginning.
OF_THE_PARENT = ("schema marts", "table intermediate.int_customer_prices__banded")


def keep(build: Path, night: Manifest) -> None:
    """Keep the build file of a released night in place of the one before. It says itself whose it is."""
    if build.exists():
        with duckdb.connect(str(build)) as d:
            d.execute("create or replace table inputs.built_from as select $night as night", {"night": night.text})
        build.replace(_file())


def go_on(build: Path, night: Manifest) -> GoingOn:
    """Lay the kept build file where the night's is to be, if the night may go on from its tables.

    It may where the same models built them, for the same company, from files that the night reads too. What
    grows from the parent's day stays only where it is that of the night's parent.
    """
    try:
        build.unlink(missing_ok=True)
        shutil.copyfile(_file(), build)
        with duckdb.connect(str(build)) as d:
            before = manifest.parse(d.execute("select night from inputs.built_from").fetchall()[0][0])
            reason = _why_not(before, night)
            parent = night.parent_release_id if _is_parent(before, night) else None
            if reason is None and parent is None:
                for held in OF_THE_PARENT:
                    d.execute(f"drop {held} cascade")
    except FileNotFoundError:
        return GoingOn(None, "no earlier night left its tables")
    except (duckdb.Error, ValueError, KeyError):
        reason = "what the last night left cannot be read"
    if reason is not None:
        build.unlink(missing_ok=True)
        return GoingOn(None, reason)
    arrived = {
        stream: tuple(file for file in files if file not in before.accepted[stream])
        for stream, files in night.accepted.items()
    }
    return GoingOn(arrived, parent=parent)


def forget() -> None:
    """Begin anew the next time: nobody knows what is wrong with tables that a build stumbled over."""
    _file().unlink(missing_ok=True)


def _file() -> Path:
    return settings().work / "kept.duckdb"


def _why_not(before: Manifest, night: Manifest) -> str | None:
    if before.models != night.models or before.package != night.package:
        return "the models are others than those of the last night"
    if before.company != night.company:
        return "currency or time zone of the company changed"
    if any(set(files) - set(night.accepted.get(stream, ())) for stream, files in before.accepted.items()):
        return "the last night knew deliveries that this one does not"
    return None


def _is_parent(before: Manifest, night: Manifest) -> bool:
    parent = night.parent_release_id
    return (
        parent is not None and control.release(parent).manifest_hash == before.hash and before.days[-1] < night.days[0]
    )
