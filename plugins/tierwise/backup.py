"""A copy of everything of value, taken while runs go on, and a home made of it again.

A backup is a folder: `backup.json` (what it holds, with fingerprints), `control.db`, and `var/` and `config/` as they
lie in a home. What no row of that control store and no manifest of its current release names is not in it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tierwise import __version__, control, lake, manifest
from tierwise.errors import Busy, ConfigurationRefused, OurFailure
from tierwise.settings import settings

if TYPE_CHECKING:
    from tierwise.warehouse import Progress

FILE = "backup.json"
_STORE = "control.db"
_ATTEMPTS = 3


@dataclass(frozen=True)
class Backup:
    """What a backup holds: each file's fingerprint by its path, and who wrote the control store among them.

    `migration` is the shape of that store; an older package cannot read it.
    """

    package: str
    migration: str
    release_id: str | None
    carried: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Restored:
    """What became of a home: `config_differs` are the files of `config/` that were left other than in the backup."""

    release_id: str | None
    files: int
    config_restored: bool
    config_differs: tuple[str, ...]


# --- out ------------------------------------------------------------------------------------------------------------


def write(target: Path, progress: Progress | None = None) -> Backup:
    """Write a backup into a new folder, which bears its name only once it is whole. A run may be going meanwhile.

    Raises ConfigurationRefused for a place that is taken, lies in `var/` or cannot be written, and for a control store
    that is no file; OurFailure where something that must not be lost is missing or damaged already.
    """
    where = settings()
    target = target.expanduser().absolute()
    control.file()
    if target.exists() or target.is_symlink():
        raise ConfigurationRefused(
            f"{target} is there already; a backup is written once, into a new folder.", hint="choose another name"
        )
    if target.resolve().is_relative_to(where.var.resolve()):
        raise ConfigurationRefused(
            f"{target} lies in {where.var}, and would be lost with it.", hint="choose a place on another disk"
        )
    aside = target.with_name(f".{target.name}.{secrets.token_hex(3)}.writing")
    try:
        for _ in range(_ATTEMPTS):
            aside.mkdir(parents=True)
            held = _write_once(aside, progress)
            if held is not None:
                aside.rename(target)
                lake.sync(target.parent)
                return held
            shutil.rmtree(aside)
    except OSError as why:
        raise ConfigurationRefused(
            f"The backup cannot be written: {why.strerror} ({why.filename}).", hint="choose another place"
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    raise Busy("Retention took files away while they were copied.", hint="try again when no run is going")


def _write_once(aside: Path, progress: Progress | None) -> Backup | None:
    """The store first, then the files that it names: written once, they are still there. None: retention was faster."""
    where = settings()
    store = control.copy_to(aside / _STORE)
    lake.sync(aside / _STORE)
    carried = _carried(store)
    needed = _needed(store, carried)
    named = {**dict.fromkeys(_lying_there(store, carried)), **needed}
    missing = [path for path in needed if not (where.home / path).exists()]
    if missing:
        raise OurFailure(
            f"{missing[0]} is missing, and the home needs it.", hint="bring it back from an earlier backup"
        )
    files = {_STORE: lake.fingerprint(aside / _STORE)}
    for done, (path, expected) in enumerate(named.items(), 1):
        try:
            files[path] = lake.copy(where.home / path, aside / path)
        except FileNotFoundError:
            return None
        if expected not in (None, files[path]):
            raise OurFailure(
                f"{path} is damaged: it is not what was written there.", hint="bring it back from an earlier backup"
            )
        if progress is not None:
            progress(path, done, len(named))
    if not all(control.release(release_id).is_kept for release_id in carried):
        return None  # of a folder that was being removed, not every file was found
    held = Backup(__version__, control.MIGRATION_HEAD, store.pointer.release_id, carried, files)
    (aside / FILE).write_text(json.dumps({**asdict(held), "hash": held.hash}, indent=1, sort_keys=True) + "\n")
    for written in (aside / FILE, *(f for f in aside.rglob("*") if f.is_dir()), aside):
        lake.sync(written)
    return held


def _carried(store: control.Copied) -> tuple[str, ...]:
    """The releases whose folders go along: the current one, and its parent, to roll back to."""
    kept = {r.release_id: r for r in store.releases if r.is_kept}
    current = kept.get(str(store.pointer.release_id))
    wanted = (current.release_id, current.parent_release_id) if current is not None else ()
    return tuple(release_id for release_id in wanted if release_id in kept)


def _needed(store: control.Copied, carried: tuple[str, ...]) -> dict[str, str | None]:
    """What must be there, with its fingerprint where one is known: the log, what stays outside, what waits at the door,
    and what the releases carried were built from and leave to the next night."""
    files: dict[str, str | None] = {}
    for delivery in store.deliveries:
        if delivery.accepted_file is not None:
            files[delivery.accepted_file] = delivery.accepted_sha256
        if delivery.quarantine_file is not None:
            files[delivery.quarantine_file] = None
    files |= control.raw_still_needed(store.deliveries)
    for release_id in carried:
        files.update({file.path: file.sha256 for file in manifest.read_release(release_id).files()})
    return {f"var/{path}": expected for path, expected in files.items()}


def _lying_there(store: control.Copied, carried: tuple[str, ...]) -> list[str]:
    """What goes along as far as it lies there: the releases' folders, the other raw deliveries, `config/`."""
    where = settings()
    folders = [where.releases / release_id for release_id in carried]
    folders += [(where.var / delivery.path).parent for delivery in store.deliveries]
    found = [f for folder in (*folders, where.config) for f in sorted(folder.rglob("*")) if f.is_file()]
    return [f.relative_to(where.home).as_posix() for f in found]


# --- back -----------------------------------------------------------------------------------------------------------


def restore(source: Path, progress: Progress | None = None) -> Restored:
    """Make a home of a backup, where `var/` holds no control store and no release. `config/` stays if there is one.

    Checks every fingerprint first. Raises ConfigurationRefused where the home holds something, or where the backup is
    damaged, incomplete or of a later package; then nothing was changed.
    """
    where = settings()
    source = source.expanduser().absolute()
    store = control.file()
    _hold_empty(store)
    held = _read(source)
    wanted = {path: digest for path, digest in held.files.items() if path != _STORE}
    for done, (path, digest) in enumerate(held.files.items(), 1):
        if not (source / path).is_file():
            raise _damaged(source, path, "is missing")
        if lake.fingerprint(source / path) != digest:
            raise _damaged(source, path, "is not what was written there")
        if progress is not None:
            progress(path, done, len(held.files))
    config_restored = not where.config.exists()
    differs = [] if config_restored else [p for p in wanted if p.startswith("config/") and _differs(p, wanted[p])]
    # Releases first: from then on every other command refuses to begin anew, until the store is there too.
    in_order = sorted(wanted, key=lambda path: (not path.startswith("var/release/"), path.startswith("config/")))
    try:
        for done, path in enumerate(in_order, 1):
            if path.startswith("config/") and not config_restored:
                continue
            if lake.copy(source / path, where.home / path) != wanted[path]:
                raise _damaged(source, path, "changed while it was read")
            if progress is not None:
                progress(path, done, len(wanted))
        lake.copy(source / _STORE, store)
    except BaseException:
        in_the_way = [where.releases / release_id for release_id in held.carried]
        for folder in (*in_the_way, *([where.config] if config_restored else [])):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    control.forget_releases([r.release_id for r in control.releases() if r.release_id not in held.carried])
    return Restored(held.release_id, len(held.files), config_restored, tuple(differs))


def _differs(path: str, digest: str) -> bool:
    file = settings().home / path
    return not file.is_file() or lake.fingerprint(file) != digest


def _hold_empty(store: Path) -> None:
    """A home with a past of its own is not written over. What SQLite keeps beside a store is part of it."""
    releases = settings().releases
    stores = sorted(store.parent.glob(f"{store.name}*"))
    found = [*stores, *sorted(f.parent for f in releases.glob("*/manifest.json"))]
    if found:
        raise ConfigurationRefused(
            f"This home has a past of its own: {found[0]} is there; a backup is never written over it.",
            hint=f"move {store}* and {releases} away if the backup is to take their place, or set TIERWISE_HOME to an"
            " empty folder; var/lake may stay: what landed in it since is taken up by the next run",
        )


def _read(source: Path) -> Backup:
    """What a backup says that it holds, if that is whole and ours to read."""
    try:
        told: dict[str, Any] = json.loads((source / FILE).read_text())
        said = told.pop("hash")
        held = Backup(**{**told, "carried": tuple(told["carried"])})
    except FileNotFoundError:
        raise ConfigurationRefused(
            f"{source} is no backup: there is no {FILE} in it.", hint="name a folder that `tierwise backup` wrote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(source, FILE, "cannot be read") from None
    leading_away = [
        path for path in held.files if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts
    ]
    if said != held.hash or leading_away or _STORE not in held.files:
        raise _damaged(source, FILE, "is not what was written there")
    if held.migration > control.MIGRATION_HEAD:
        raise ConfigurationRefused(
            f"{source} was written by Tierwise {held.package}, whose control store this one ({__version__}) cannot read.",
            hint=f"install {held.package} or later, and restore then",
        )
    return held


def _damaged(source: Path, path: str, what: str) -> ConfigurationRefused:
    return ConfigurationRefused(
        f"{source / path} {what}: the backup is damaged, and nothing was restored.", hint="restore another backup"
    )
