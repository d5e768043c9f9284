"""Build aside, hold against the door out, commit, roll back, verify."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise import (
    __version__,
    configuration,
    control,
    kept,
    lake,
    manifest,
    quality,
    retention,
    scoring,
    segments,
    warehouse,
)
from tierwise.errors import ConfigurationRefused, OurFailure
from tierwise.kept import BEGINS_ANEW, GoingOn
from tierwise.lake import FileRef
from tierwise.manifest import Manifest, ReleaseManifest, Standing
from tierwise.settings import settings
from tierwise.sources.streams import STREAMS
from tierwise.warehouse import Content, Progress

if TYPE_CHECKING:
    import duckdb

_FITTED = "fitted.json"  # in the work folder, until the commit
_RULES = (
    *("policies_in_force", "policies", "policy_then_by", "policy_applies_to", "policy_score_parts", "policy_points"),
    *("policy_tiers", "policy_conditions"),
)
_OPS = ("ops_runs", "ops_deliveries", "ops_quarantine")


def begin(days: list[date], kind: str = "night") -> str:
    """Open a run for the given days, mend what an earlier crash left, and return the run's id.

    A night may repeat the latest released day or take a later one; a backfill takes days after the latest one.
    Raises ConfigurationRefused for a day that may not be run.
    """
    pointer = repair()
    lake.sweep()
    parent = control.release(pointer.release_id) if pointer.release_id else None
    if parent is not None and (days[0] < parent.as_of or (kind == "backfill" and days[0] == parent.as_of)):
        raise ConfigurationRefused(
            f"{days[0]} may not be {'backfilled' if kind == 'backfill' else 'run'}: the current release,"
            f" {parent.release_id}, already decided up to {parent.as_of}, and decisions are never rewritten.",
            hint=f"run {parent.as_of} again, or a later day",
        )
    run_id = f"{days[-1]}-{kind}-{secrets.token_hex(3)}"
    run = control.begin_run(run_id, kind, days, pointer.release_id, pointer.counter)
    (run.work / "inputs").mkdir(parents=True)
    return run_id


def build(run_id: str, part: str, progress: Progress | None = None) -> str | None:
    """Build one half of the tables. The first half begins with the manifest: from there on nothing else is read.

    It goes on from the tables of the night before where it may; where not, it begins anew and returns why.
    """
    run = control.run(run_id)
    build_file = run.work / "build.duckdb"
    anew_because = None
    if part == "history":
        night = _write_manifest(run)
        going_on = kept.go_on(build_file, night)
        anew_because = going_on.anew_because
        _lay_inputs(build_file, night, _export_ops(run), going_on)
    try:
        warehouse.build(build_file, part, progress)
    except OurFailure:
        kept.forget()
        raise
    return anew_because


def score(run_id: str) -> list[str]:
    """Fit the value model where that is due, and score every purchase history by the models that rule on the run's days.

    Returns what is to be said of each fit. From here on the manifest names the models.
    """
    run = control.run(run_id)
    night = manifest.read(run.work / manifest.FILE)
    build_file = run.work / "build.duckdb"
    wanted = configuration.company().value_model
    fitted = [scoring.fit(build_file, day, wanted) for day in night.fit_days]
    known = [scoring.parse(one.text) for one in control.value_models() if one.fitted_on < run.days[0]]
    files = scoring.lay(build_file, [*known, *fitted], float(night.company["discount_rate"]), run.work / "inputs")
    folder = lake.decisions_folder(run.run_id)
    with lake.engine(run.work / "spill") as d:
        models = {name: _into_the_lake(d, file, folder) for name, file in files.items()}
    manifest.write(replace(night, value_models=models), run.work / manifest.FILE)
    (run.work / _FITTED).write_text(json.dumps([model.text for model in fitted]))
    return [_told(model) for model in fitted]


def _told(model: scoring.Model) -> str:
    what = {
        "fitted": "the value model was fitted anew",
        "no_drop_out": "the value model was fitted anew, without drop-out",
        "not_fitted": "there is no prediction",
        "failed": "the value model could not be fitted, and the last one stays",
    }
    said = "; ".join(part for part in (model.because, model.warning) if part)
    return f"{model.fitted_on}: {what[model.status]}{': ' if said else ''}{said}"


def hold_at_the_door_out(run_id: str) -> list[str]:
    """Lay the release aside and hold it against its suite. Returns warnings; raises OurFailure on a critical one."""
    run = control.run(run_id)
    aside = _aside(run)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    warehouse.publish(run.work / "build.duckdb", aside)
    findings = quality.door_out(aside / warehouse.RELEASED, configuration.company(), run.work / "spill")
    return [finding.sentence for finding in findings]


def release(run_id: str) -> str:
    """Append the run's decisions and switch readers to its marts, all or nothing. Returns the release's id.

    Asked again after its commit (an attempt was killed right behind it), it only finishes the job. Raises Busy where
    another run was faster; then nothing was changed.
    """
    run = control.run(run_id)
    done = control.release_of(run_id)
    if done is not None:
        _finish(run)
        return done.release_id
    aside = _aside(run)
    if not aside.exists():  # an attempt was killed between putting it in its place and the commit
        hold_at_the_door_out(run_id)
    night = manifest.read(run.work / manifest.FILE)
    before_last, ends_with = _append_decisions(run, night)
    held = ReleaseManifest(
        manifest=night,
        ends_with=ends_with,
        last_day_starts_from=before_last,
        marts=warehouse.contents(aside, run.work / "build.duckdb", _parents_marts(night)),
    )
    held.write(aside)
    for file in aside.rglob("*"):
        lake.sync(file)
    lake.sync(aside)
    with control.committing(run, frozenset(night.delivery_ids)) as (connection, release_id, number):
        folder = settings().releases / release_id
        shutil.rmtree(folder, ignore_errors=True)  # a crash may have left one that no committed row names
        aside.rename(folder)
        lake.sync(folder.parent)
        control.record_release(connection, run, release_id, number, night.hash)
        control.record_value_models(connection, run, _fitted(run))
    _finish(run)
    return release_id


def _fitted(run: control.Run) -> list[control.ValueModelKept]:
    file = run.work / _FITTED
    models = [scoring.parse(text) for text in json.loads(file.read_text())] if file.exists() else []
    return [control.ValueModelKept(model.model_id, model.fitted_on, model.text) for model in models]


def _parents_marts(night: Manifest) -> dict[str, Content]:
    return manifest.read_release(night.parent_release_id).marts if night.parent_release_id else {}


def _finish(run: control.Run) -> None:
    repair()
    retention.retire()
    if (run.work / manifest.FILE).exists():
        kept.keep(run.work / "build.duckdb", manifest.read(run.work / manifest.FILE))
    shutil.rmtree(run.work, ignore_errors=True)


def rollback(to: str | None = None) -> str:
    """Point readers, decisions and the next night back to an earlier release (default: the current one's parent)."""
    pointer = repair()
    if pointer.release_id is None:
        raise ConfigurationRefused("There is no release yet, so nothing to roll back.", hint="tierwise run")
    target = to or control.release(pointer.release_id).parent_release_id
    if target is None:
        raise ConfigurationRefused(
            f"{pointer.release_id} is the first release; there is none before it.", hint="tierwise release list"
        )
    if not control.release(target).is_kept or not (settings().releases / target / manifest.FILE).exists():
        raise ConfigurationRefused(
            f"The folder of {target} was removed by retention.", hint="`tierwise release list` shows what is kept"
        )
    if target == pointer.release_id:
        raise ConfigurationRefused(f"{target} is the current release already.", hint="tierwise release list")
    control.move_pointer(target, pointer.counter)
    repair()
    return target


@dataclass(frozen=True)
class Compared:
    """One mart of a kept release against its rebuild from the manifest alone."""

    mart: str
    rows: int
    rebuilt_rows: int
    is_equal: bool


def verify(release_id: str | None = None, progress: Progress | None = None) -> list[Compared]:
    """Rebuild a kept release from its manifest in an empty folder and compare, mart by mart, `ops_*` apart."""
    pointer = repair()
    wanted = release_id or pointer.release_id
    if wanted is None:
        raise ConfigurationRefused("There is no release yet.", hint="tierwise run")
    held = manifest.read_release(wanted)
    night = held.manifest
    for file in night.files():
        if not file.absolute.exists() or lake.fingerprint(file.absolute) != file.sha256:
            raise OurFailure(
                f"{file.path}, which {wanted} was built from, is missing or changed since.",
                hint="bring the file back from your backup",
            )
    parquet = settings().releases / wanted / "parquet"
    with tempfile.TemporaryDirectory(prefix="tierwise-verify-") as folder:
        build_file = Path(folder) / "build.duckdb"
        ops = {name: [parquet / f"{name}.parquet"] for name in _OPS}
        _lay_inputs(build_file, night, ops)
        warehouse.build(build_file, "history", progress)
        if night.value_models:
            models = scoring.read({name: file.absolute for name, file in night.value_models.items()})
            scoring.lay(build_file, models, float(night.company["discount_rate"]), Path(folder) / "inputs")
        warehouse.build(build_file, "proposals", progress)
        compared = []
        for mart, was in held.marts.items():
            if mart.startswith("ops_"):
                continue
            rebuilt = warehouse.content_of(build_file, mart)
            released = warehouse.content_of(settings().releases / wanted / warehouse.RELEASED, mart)
            compared.append(Compared(mart, was.rows, rebuilt.rows, rebuilt == was == released))
        return compared


def different(release_id: str | None = None) -> OurFailure:
    """What to say of a release whose rebuild is not equal: other models are no mystery, the same ones are."""
    wanted = release_id or control.pointer().release_id
    if manifest.read_release(str(wanted)).manifest.models != warehouse.models_hash():
        return OurFailure(
            f"The rebuild of {wanted} differs, and dbt_project/ is not what it was built by.",
            hint="check out the version it was made with and verify again; the next night is built by today's models",
        )
    return OurFailure(
        f"The rebuild of {wanted} differs: it is not what its manifest gives.",
        hint="do not trust this release; `tierwise release rollback` brings back the one before",
    )


def repair() -> control.Pointer:
    """Make the links that readers follow agree with the pointer; a crash between commit and link leaves them behind."""
    pointer = control.pointer()
    folder = settings().releases
    while pointer.release_id is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for link, to in (("current", pointer.release_id), ("current.duckdb", f"current/{warehouse.RELEASED}")):
            place = folder / link
            if not (place.is_symlink() and str(place.readlink()) == to):
                aside = folder / f".{link}.{secrets.token_hex(3)}"
                aside.symlink_to(to)
                aside.replace(place)
        now = control.pointer()
        if now == pointer:  # else somebody released meanwhile, and the link set last must be theirs
            break
        pointer = now
    return pointer


def _aside(run: control.Run) -> Path:
    return settings().releases / ".building" / run.run_id


def _write_manifest(run: control.Run) -> Manifest:
    """List what the run may read, with hashes; put its rule tables into the lake first."""
    import duckdb
    import pandas as pd

    accepted = control.deliveries(status="accepted")
    company = configuration.company()
    folder = lake.decisions_folder(run.run_id)
    with duckdb.connect() as d:
        rules = {name: _into_the_lake(d, run.work / "inputs" / f"{name}.parquet", folder) for name in _RULES}
        for name, held in segments.rows().items():
            file = warehouse.write_input(name, pd.DataFrame(held), run.work / "inputs" / f"{name}.parquet")
            rules[name] = _into_the_lake(d, file, folder)
    night = Manifest(
        package=__version__,
        models=warehouse.models_hash(),
        days=run.days,
        parent_release_id=run.parent_release_id,
        company={
            "currency": company.currency,
            "time_zone": str(company.time_zone),
            "rate_days": str(company.limits.rate_days),
            "discount_rate": str(company.value_model.discount_rate),
        },
        accepted={
            stream: tuple(
                FileRef(str(d.accepted_file), str(d.accepted_sha256), d.rows_in_the_log)
                for d in accepted
                if d.stream == stream
            )
            for stream in STREAMS
        },
        rules=rules,
        starts_from=manifest.starting_point(run),
        delivery_ids=tuple(sorted(d.delivery_id for d in accepted)),
        fit_days=_fit_days(run),
    )
    manifest.write(night, run.work / manifest.FILE)
    return night


def _into_the_lake(d: duckdb.DuckDBPyConnection, file: Path, folder: Path) -> FileRef:
    """Keep a small table that the run made, its rows in one order whoever wrote them."""
    return lake.write_once(d, f"from read_parquet('{file}') order by all", folder / file.name)


def _fit_days(run: control.Run) -> tuple[date, ...]:
    """The days of the run on which the value model is fitted: the first decided day there is, the first of a calendar
    month, the run's first day where somebody asked, and a day that is run again if it was fitted on it.

    A fit that failed counts for none: the next night tries again.
    """
    models = [scoring.parse(model.text) for model in control.value_models()]
    last = max((m.fitted_on for m in models if m.counts and m.fitted_on < run.days[0]), default=None)
    again = {m.fitted_on for m in models}
    if control.is_fit_asked(by=run.started_at):
        again.add(run.days[0])
    due = []
    for day in run.days:
        if day in again or last is None or (last.year, last.month) != (day.year, day.month):
            due.append(day)
            last = day
    return tuple(due)


def _lay_inputs(
    build_file: Path,
    night: Manifest,
    ops: dict[str, list[Path]],
    going_on: GoingOn = BEGINS_ANEW,
) -> None:
    start, arrived = night.starts_from, going_on.arrived
    files = {
        **{stream: [f.absolute for f in files] for stream, files in night.accepted.items()},
        **{name: [f.absolute for f in start.logs.get(name, ())] for name in warehouse.LOGS},
        **{name: [start.state[name].absolute] if name in start.state else [] for name in warehouse.STATES},
        **ops,
    }
    rules = {name: file.absolute for name, file in night.rules.items()}
    warehouse.lay_inputs(
        build_file,
        days=night.days,
        company=night.company,
        rules=rules,
        files=files,
        builds_on=night.builds_on,
        arrived=None if arrived is None else {stream: [f.absolute for f in of] for stream, of in arrived.items()},
        parent=going_on.parent,
        fit_days=night.fit_days,
    )


def _export_ops(run: control.Run) -> dict[str, list[Path]]:
    """Project the control store into Parquet. The run itself counts as released: who can read it, it was."""
    import duckdb
    import pandas as pd

    runs = pd.DataFrame(
        [
            {
                "run_id": r.run_id,
                "kind": r.kind,
                "first_as_of": r.days[0],
                "as_of": r.as_of,
                "parent_release_id": r.parent_release_id,
                "status": "released" if r.run_id == run.run_id else r.status,
                "message": r.message,
                "started_at": r.started_at,
                "ended_at": r.ended_at,
            }
            for r in control.runs()
        ]
    )
    deliveries = pd.DataFrame(
        [vars(d) for d in control.deliveries()], columns=[f.name for f in fields(control.Delivery)]
    )
    quarantined = [settings().var / d.quarantine_file for d in control.deliveries() if d.quarantine_file]
    paths = {name: run.work / "inputs" / f"{name}.parquet" for name in _OPS}
    with duckdb.connect() as d:
        for name, frame in (("ops_runs", runs), ("ops_deliveries", deliveries)):
            d.register("frame", frame)
            columns = ", ".join(f"{c}::{kind} as {c}" for c, kind in warehouse.contract(name).items())
            d.execute(f"copy (select {columns} from frame) to '{paths[name]}'")
        columns = ", ".join(warehouse.contract("ops_quarantine"))
        listed = ", ".join(f"'{p}'" for p in quarantined)
        if quarantined:
            d.execute(f"copy (select {columns} from read_parquet([{listed}])) to '{paths['ops_quarantine']}'")
    return {name: [path] if path.exists() else [] for name, path in paths.items()}


def _append_decisions(run: control.Run, night: Manifest) -> tuple[Standing, Standing]:
    """Write the run's decisions, state and month-end values into the lake.

    Returns where things stood before the run's last day (a re-run of that day starts there), and where they stand
    after it.
    """

    folder = lake.decisions_folder(run.run_id)
    with lake.engine(run.work / "spill", run.work / "build.duckdb", read_only=True) as d:

        def written(name: str, held: str, suffix: str) -> FileRef:
            columns = ", ".join(warehouse.input_columns(name))
            return lake.write_once(d, f"select {columns} from {held} order by all", folder / f"{name}_{suffix}.parquet")

        def advance(standing: Standing, day: date, compare: str, suffix: str) -> Standing:
            """Where things stand after `day`, with the logs of the run's days that compare so with its last one."""
            in_force = f"intermediate.int_policies__in_force where as_of = date '{day}'"
            versions = d.execute(f"select policy, policy_version from {in_force} order by policy").fetchall()
            return Standing(
                last_decided=day,
                logs={
                    name: lake.in_fewer_files(
                        d,
                        (
                            *standing.logs.get(name, ()),
                            written(name, f"{held} and as_of {compare} date '{run.as_of}'", suffix),
                        ),
                        folder / f"{name}_until_{suffix}.parquet",
                    )
                    for name, held in warehouse.LOGS.items()
                },
                state={
                    name: written(name, f"{held} and as_of = date '{day}'", suffix)
                    for name, held in warehouse.STATES.items()
                },
                policy_versions=dict(versions),
                made_by=night.made_by,
            )

        before = night.starts_from
        if len(run.days) > 1:
            before = advance(before, run.days[-2], "<", "before")
        return before, advance(before, run.as_of, "=", "last")
