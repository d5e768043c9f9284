"""Where deliveries, accepted rows and decisions lie: raw files and Parquet, written once, fingerprinted."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise import control
from tierwise.settings import settings

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1 << 20
MANY = 32  # so many small files of one log become one
SMALL = 1_000_000  # rows


@dataclass(frozen=True)
class FileRef:
    """One file of the lake: its path relative to `var/`, what it must hash to, and how many rows it holds."""

    path: str
    sha256: str
    rows: int

    @property
    def absolute(self) -> Path:
        return settings().var / self.path


@contextmanager
def engine(
    spill: Path, database: Path | str = ":memory:", *, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine that takes no more memory than people allow it, and beyond that writes to the folder `spill`."""
    import duckdb

    with duckdb.connect(str(database), read_only=read_only) as connection:
        memory = settings().memory
        if memory:
            connection.execute(f"set memory_limit = '{memory}'")
        connection.execute(f"set temp_directory = '{spill}'")
        yield connection


def rows_of(files: Sequence[Path], columns: Mapping[str, str]) -> str:
    """What these files hold, as a query with these columns of these types; typed and empty where there are none."""
    empty = "select " + ", ".join(f'null::{kind} as "{name}"' for name, kind in columns.items()) + " where false"
    if not files:
        return empty
    listed = ", ".join(f"'{file}'" for file in files)
    return f"{empty} union all by name from read_parquet([{listed}], union_by_name = true)"


def accepted_file(stream: str, delivery_id: str, run_id: str) -> Path:
    """A new name for every attempt: a second one never writes over what a first one may have committed."""
    return settings().lake / "accepted" / stream / f"{delivery_id}.{run_id}.{secrets.token_hex(3)}.parquet"


def quarantine_file(stream: str, delivery_id: str, run_id: str) -> Path:
    return settings().lake / "quarantine" / stream / f"{delivery_id}.{run_id}.{secrets.token_hex(3)}.parquet"


def decisions_folder(run_id: str) -> Path:
    """What a run decides, beside the rules it decided by. It counts once the run's release is committed."""
    return settings().lake / "decisions" / run_id


def fingerprint(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while chunk := f.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def copy(source: Path, target: Path) -> str:
    """Copy a file whole or not at all, synced; returns the fingerprint of what was copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{secrets.token_hex(6)}.copying")
    digest = hashlib.sha256()
    try:
        with source.open("rb") as read, aside.open("wb") as written:
            while chunk := read.read(_CHUNK):
                digest.update(chunk)
                written.write(chunk)
            written.flush()
            os.fsync(written.fileno())
        shutil.copymode(source, aside)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    sync(target.parent)
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


def in_fewer_files(
    connection: duckdb.DuckDBPyConnection, files: tuple[FileRef, ...], target: Path
) -> tuple[FileRef, ...]:
    """The same rows: where there are many small files, in one new one. The old ones stay, for whoever still names them."""
    small = [file for file in files if file.rows < SMALL]
    if len(small) < MANY:
        return files
    listed = ", ".join(f"'{file.absolute}'" for file in small)
    merged = write_once(connection, f"from read_parquet([{listed}], union_by_name = true) order by all", target)
    return (*(file for file in files if file not in small), merged)


def sync(path: Path) -> None:
    """Flush a file or a folder to disk, so that a commit never names what a power cut could still take."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep() -> list[str]:
    """Remove what no committed row names: files and folders of runs that can no longer commit.

    A run can no longer commit once it ended, or once the pointer's counter passed the one it began with. What lies
    there is listed before the store is read, so that a run which begins meanwhile loses nothing.
    """
    where = settings()
    files = [f for area in ("accepted", "quarantine") for f in (where.lake / area).glob("*/*") if f.is_file()]
    parents = (where.lake / "decisions", where.work, where.releases / ".building")
    folders = [f for parent in parents for f in parent.glob("*") if f.is_dir()]
    half_releases = [f.parent for f in where.releases.glob("*/manifest.json") if not f.parent.is_symlink()]
    pointer = control.pointer()
    runs = control.runs()
    deliveries = control.deliveries()
    alive = {r.run_id for r in runs if r.status == "running" and r.counter == pointer.counter}
    committed = {r.release_id for r in control.releases()}
    decided = alive | {r.run_id for r in runs if r.status == "released"}
    named = {d.accepted_file for d in deliveries} | {d.quarantine_file for d in deliveries}
    swept: list[str] = []
    for file in files:
        relative = str(file.relative_to(where.var))
        if relative not in named and not any(run_id in file.name for run_id in alive):
            file.unlink(missing_ok=True)
            swept.append(relative)
    for folder in folders:
        if folder.name not in (decided if folder.parent == parents[0] else alive):
            shutil.rmtree(folder, ignore_errors=True)
            swept.append(str(folder.relative_to(where.var)))
    for folder in half_releases if not alive else ():  # one who is alive may be just before its commit
        if folder.name not in committed:
            shutil.rmtree(folder, ignore_errors=True)
            swept.append(str(folder.relative_to(where.var)))
    return swept
