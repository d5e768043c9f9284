"""What need not stay: releases of long ago, what only they name, raw deliveries long accepted.

Whatever is configured, the current release and its parent stay, the accepted log, the rows in quarantine, and raw
deliveries that were not accepted or have rows in quarantine: the next night, or a person, still needs them.
"""

from __future__ import annotations

import shutil
from datetime import timedelta

from tierwise import configuration, control, manifest
from tierwise.configuration import Retention
from tierwise.settings import settings


def retire() -> None:
    """Remove what `retention` of config/company.yml lets go, counted from the day of the current release."""
    rules = configuration.company().retention
    current = control.release(str(control.pointer().release_id))
    _retire_releases(rules, current)
    _retire_decisions()
    if rules.landed_days is not None:
        _retire_landed(rules.landed_days, current)


def _retire_releases(rules: Retention, current: control.Release) -> None:
    """The last releases of the last days stay, the current one and its parent with them; older folders go."""
    releases = [r for r in control.releases() if r.is_kept]
    staying = {current.release_id, current.parent_release_id}
    for day in sorted({r.as_of for r in releases}, reverse=True)[: rules.release_days]:
        staying |= {r.release_id for r in [r for r in releases if r.as_of == day][-rules.releases_a_day :]}
    old = [r.release_id for r in releases if r.release_id not in staying]
    if old:
        control.forget_releases(old)
    for release_id in old:
        shutil.rmtree(settings().releases / release_id, ignore_errors=True)


def _retire_decisions() -> None:
    """Decisions, states and rules that no kept release names go, once the release that their run made is kept no more.

    Where the folder of a kept release is missing nobody knows what it names, so nothing goes.
    """
    where = settings()
    releases = control.releases()
    kept = [r for r in releases if r.is_kept]
    if not all((where.releases / r.release_id / manifest.FILE).exists() for r in kept):
        return
    named = {file.absolute for r in kept for file in manifest.read_release(r.release_id).files()}
    for retired in (r for r in releases if not r.is_kept):
        folder = where.lake / "decisions" / retired.run_id
        for file in folder.glob("*"):
            if file not in named:
                file.unlink(missing_ok=True)
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


def _retire_landed(days: int, current: control.Release) -> None:
    """The raw bytes of deliveries that a run of more than so many days ago accepted whole."""
    began = {run.run_id: run.as_of for run in control.runs()}
    deliveries = control.deliveries()
    needed = control.raw_still_needed(deliveries)
    for delivery in control.last_readings(deliveries):
        accepted_on = began[str(delivery.accepted_run_id)]
        if delivery.path not in needed and accepted_on + timedelta(days=days) < current.as_of:
            shutil.rmtree((settings().var / delivery.path).parent, ignore_errors=True)
