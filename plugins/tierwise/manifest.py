"""What a night is a function of, and what a release holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tierwise import control
from tierwise.control import Run
from tierwise.errors import ConfigurationRefused
from tierwise.lake import FileRef
from tierwise.settings import settings
from tierwise.warehouse import Content

FILE = "manifest.json"


@dataclass(frozen=True)
class Standing:
    """Where decisions stand after a day: the append-only logs so far, and the state of that day's end.

    Both map an input relation to what holds it; `policy_versions` maps a policy to the version in force on that day.
    `made_by` says which models computed the values, for whose currency and clock: another's are never built upon.
    """

    last_decided: date | None = None
    logs: dict[str, tuple[FileRef, ...]] = field(default_factory=dict)
    state: dict[str, FileRef] = field(default_factory=dict)
    policy_versions: dict[str, str] = field(default_factory=dict)
    made_by: str | None = None

    def files(self) -> list[FileRef]:
        """Every file that a run which starts here reads for it."""
        return [*(file for files in self.logs.values() for file in files), *self.state.values()]


@dataclass(frozen=True)
class Manifest:
    """The input of a run: same manifest, same marts, on any machine and any later day.

    `package` and `models` say by which code: the package's version and the hash of the dbt project.
    `accepted` maps a stream to the files of its log; `rules` maps a rule table to its file; `starts_from` is where
    the parent left off (for a re-run of the latest day: where that day started from). On `fit_days` the value model is
    fitted anew; `value_models`, known once that is done, are the cards of all models that rule on some day of the run.
    """

    package: str
    models: str
    days: tuple[date, ...]
    parent_release_id: str | None
    company: dict[str, str]
    accepted: dict[str, tuple[FileRef, ...]]
    rules: dict[str, FileRef]
    starts_from: Standing
    delivery_ids: tuple[str, ...] = ()
    fit_days: tuple[date, ...] = ()
    value_models: dict[str, FileRef] = field(default_factory=dict)

    def files(self) -> list[FileRef]:
        """Every file the run may read."""
        accepted = (file for files in self.accepted.values() for file in files)
        return [*accepted, *self.rules.values(), *self.value_models.values(), *self.starts_from.files()]

    @property
    def made_by(self) -> str:
        return hashlib.sha256(_canonical([self.models, self.company]).encode()).hexdigest()

    @property
    def builds_on(self) -> date | None:
        """The day before the run, where the values of whom nothing touched since may be carried on."""
        return self.starts_from.last_decided if self.starts_from.made_by == self.made_by else None

    @property
    def text(self) -> str:
        """The manifest as it is written: what `parse` reads."""
        return _canonical(asdict(self))

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class ReleaseManifest:
    """What a release folder holds beside its marts: its input, where it left off, and the hash of every mart."""

    manifest: Manifest
    ends_with: Standing
    last_day_starts_from: Standing
    marts: dict[str, Content] = field(default_factory=dict)

    def files(self) -> list[FileRef]:
        """Every file of the lake that rebuilding it, going on from it or running its last day again reads."""
        return [*self.manifest.files(), *self.ends_with.files(), *self.last_day_starts_from.files()]

    def write(self, folder: Path) -> None:
        text = json.dumps({**asdict(self), "manifest_hash": self.manifest.hash}, indent=1, sort_keys=True, default=str)
        (folder / FILE).write_text(text + "\n")


def read_release(release_id: str) -> ReleaseManifest:
    control.release(release_id)  # an id that never was is answered as such
    path = settings().releases / release_id / FILE
    if not path.exists():
        raise ConfigurationRefused(
            f"The folder of release {release_id} was removed by retention.",
            hint="`tierwise release list` shows what is kept",
        )
    held = json.loads(path.read_text())
    return ReleaseManifest(
        manifest=_as_manifest(held["manifest"]),
        ends_with=_as_standing(held["ends_with"]),
        last_day_starts_from=_as_standing(held["last_day_starts_from"]),
        marts={mart: Content(**content) for mart, content in held["marts"].items()},
    )


def starting_point(run: Run) -> Standing:
    """Where a run starts from: its parent's end, or, for a re-run of the latest day, where that day started from."""
    if run.parent_release_id is None:
        return Standing()
    parent = read_release(run.parent_release_id)
    if parent.ends_with.last_decided is not None and run.days[0] <= parent.ends_with.last_decided:
        return parent.last_day_starts_from
    return parent.ends_with


def write(manifest: Manifest, path: Path) -> None:
    path.write_text(manifest.text + "\n")


def read(path: Path) -> Manifest:
    return parse(path.read_text())


def parse(text: str) -> Manifest:
    return _as_manifest(json.loads(text))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _as_files(held: list[dict[str, Any]]) -> tuple[FileRef, ...]:
    return tuple(FileRef(**f) for f in held)


def _as_standing(held: dict[str, Any]) -> Standing:
    return Standing(
        last_decided=date.fromisoformat(held["last_decided"]) if held["last_decided"] else None,
        logs={name: _as_files(files) for name, files in held["logs"].items()},
        state={name: FileRef(**file) for name, file in held["state"].items()},
        policy_versions=held["policy_versions"],
        made_by=held.get("made_by"),
    )


def _as_manifest(held: dict[str, Any]) -> Manifest:
    return Manifest(
        package=held["package"],
        models=held["models"],
        days=tuple(date.fromisoformat(d) for d in held["days"]),
        parent_release_id=held["parent_release_id"],
        company=held["company"],
        accepted={stream: _as_files(files) for stream, files in held["accepted"].items()},
        rules={name: FileRef(**f) for name, f in held["rules"].items()},
        starts_from=_as_standing(held["starts_from"]),
        delivery_ids=tuple(held["delivery_ids"]),
        fit_days=tuple(date.fromisoformat(d) for d in held.get("fit_days", ())),
        value_models={name: FileRef(**f) for name, f in held.get("value_models", {}).items()},
    )
