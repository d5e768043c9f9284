"""Where deliveries, accepted rows and decisions lie: raw files and Parquet, written once, fingerprinted."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise import control
from tierwise.settings import settings

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileRef:
    """One file of the lake: its path relative to `var/`, what it must hash to, and how many rows it holds."""

    path: str
    sha256: str
    rows: int

    @property
    def absolute(self) -> Path:
        return settings().var / self.path


def accepted_file(stream: str, delivery_id: str, run_id: str) -> Path:
    return settings().lake / "accepted" / stream / f"{delivery_id}.{run_id}.parquet"


def quarantine_file(stream: str, delivery_id: str, run_id: str) -> Path:
    return settings().lake / "quarantine" / stream / f"{delivery_id}.{run_id}.parquet"


def decisions_folder(run_id: str) -> Path:
    """What a run decides, beside the rules it decided by. It counts once the run's release is committed."""
    return settings().lake / "decisions" / run_id


def fingerprint(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while chunk := f.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def write_once(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> FileRef:
    """Write a query's rows as Parquet: aside first, synced, then into place. Readers never see half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.writing")
    connection.execute(f"copy ({query}) to '{aside}' (format parquet, compression zstd)")
    rows = connection.execute(f"select count(*) from read_parquet('{aside}')").fetchall()[0][0]
    sync(aside)
    aside.replace(target)
    sync(target.parent)
    return FileRef(str(target.relative_to(settings().var)), fingerprint(target), rows)


def sync(path: Path) -> None:
    """Flush a file or a folder to disk, so that a commit never names what a power cut could still take."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep() -> list[str]:
    """Remove what no committed row names: files and work folders of runs that can no longer commit.

    A run can no longer commit once it ended, or once the pointer's counter passed the one it began with.
    """
    pointer = control.pointer()
    runs = control.runs()
    alive = {r.run_id for r in runs if r.status == "running" and r.counter == pointer.counter}
    released = {r.run_id for r in runs if r.status == "released"}
    named = {d.accepted_file for d in control.deliveries()} | {d.quarantine_file for d in control.deliveries()}
    where = settings()
    swept: list[str] = []
    for area in ("accepted", "quarantine"):
        for file in (where.lake / area).glob("*/*.parquet"):
            run_id = file.name.removesuffix(".parquet").split(".", 1)[1]
            relative = str(file.relative_to(where.var))
            if relative not in named and run_id not in alive:
                file.unlink(missing_ok=True)
                swept.append(relative)
    for parent, keep in (
        (where.lake / "decisions", alive | released),
        (where.work, alive),
        (where.releases / ".building", alive),
    ):
        for folder in parent.glob("*"):
            if folder.is_dir() and folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)
                swept.append(str(folder.relative_to(where.var)))
    return swept
