"""The steps of a refresh as Airflow tasks: each says what, its room knows how."""

from __future__ import annotations

from typing import Any

from tierwise.orchestration.assets import RELEASE
from tierwise.orchestration.care import WAREHOUSE, step


@step()
def check_configuration(params: Any = None, dag_run: Any = None) -> str:
    """Read all that people wrote, before any data is touched; begin the run and return its id."""
    from tierwise import clock, policy, release, segments
    from tierwise.configuration import company
    from tierwise.sources.description import load_sources

    day = clock.day_to_describe(company(), asked=params["as_of"], scheduled=dag_run.partition_key or "")
    load_sources()
    policy.load()
    segments.load_segments()
    run_id = release.begin([day], "night")
    policy.adopt(run_id)
    return run_id


@step()
def streams() -> list[dict[str, str]]:
    """Return the source and stream of every entry of config/sources.yml."""
    from tierwise.sources.description import load_sources

    return [{"source": s.name, "stream": stream} for s in load_sources() for stream in s.streams]


@step(map_index_template="{{ task.op_kwargs.stream.source }} · {{ task.op_kwargs.stream.stream }}")
def land(run: str, stream: dict[str, str]) -> list[str]:
    """Keep what the source delivered, byte for byte; return the ids of the new deliveries."""
    from tierwise import landing

    return landing.land(run, stream["source"], stream["stream"])


@step(pool=WAREHOUSE)
def conform(run: str) -> list[str]:
    """Type what landed: canonical rows, and rows outside with their reasons; return the ids of the deliveries."""
    from tierwise import conform

    return conform.conform(run)


@step(pool=WAREHOUSE)
def accept(run: str) -> None:
    """Hold the rows against the door in; append those that pass to the log, put the others in quarantine."""
    from tierwise import accept

    accept.accept(run)


@step(pool=WAREHOUSE)
def build(run: str, part: str) -> str | None:
    """Build one part of the warehouse, `history` or `proposals`; return why it began anew, if it did."""
    from tierwise import release

    return release.build(run, part)


@step(pool=WAREHOUSE)
def score(run: str) -> list[str]:
    """Fit the value model where that is due, score every purchase history; return what is to be said of each fit."""
    from tierwise import release

    return release.score(run)


@step(pool=WAREHOUSE)
def hold_at_the_door_out(run: str) -> list[str]:
    """Hold the marts against what a release must promise; nothing passes that breaks it. Return what looks odd."""
    from tierwise import release

    return release.hold_at_the_door_out(run)


@step(pool=WAREHOUSE, outlets=[RELEASE])
def release(run: str, outlet_events: Any = None) -> str:
    """Switch readers to the new release, all or nothing; return its id."""
    from tierwise import control, release

    release_id = release.release(run)
    event = outlet_events[RELEASE]
    event.extra = {"as_of": control.run(run).as_of.isoformat(), "release_id": release_id}
    event.add_partitions(event.extra["as_of"])
    return release_id
