"""The control store: runs, deliveries, policy versions, releases, and the one pointer that readers follow.

Every change of state is one short transaction. Two of them are guarded by compare-and-set: accepting a delivery and
releasing succeed only if the pointer's counter is still the one the run started from (DECISIONS: one commit).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tierwise.errors import Busy, ConfigurationRefused
from tierwise.settings import settings

METADATA = sa.MetaData()
MIGRATION_HEAD = "0004"

POINTER = sa.Table(
    "pointer",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("counter", sa.Integer, nullable=False),
    sa.Column("release_id", sa.String(40)),
)
RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("run_id", sa.String(60), primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("days", sa.Text, nullable=False),
    sa.Column("counter", sa.Integer, nullable=False),
    sa.Column("parent_release_id", sa.String(40)),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("ended_at", sa.DateTime),
)
DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("delivery_id", sa.String(60), primary_key=True),
    sa.Column("source", sa.String(100), nullable=False),
    sa.Column("stream", sa.String(60), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("claimed_on", sa.Date),
    sa.Column("landed_at", sa.DateTime, nullable=False),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("known_on", sa.Date),
    sa.Column("accepted_order", sa.Integer),
    sa.Column("accepted_run_id", sa.String(60)),
    sa.Column("accepted_file", sa.Text),
    sa.Column("accepted_sha256", sa.String(64)),
    sa.Column("quarantine_file", sa.Text),
    sa.Column("delivered_rows", sa.Integer),
    sa.Column("accepted_rows", sa.Integer),
    sa.Column("duplicate_rows", sa.Integer),
    sa.Column("quarantined_rows", sa.Integer),
    sa.Column("left_out_rows", sa.Integer),
    sa.Column("late_rows", sa.Integer),
    sa.Column("refusal_code", sa.String(40)),
    sa.Column("refusal", sa.Text),
    sa.Column("accepted_because", sa.Text),
    sa.Column("mapping", sa.String(12)),
    sa.Column("remapped_from", sa.String(60)),
    sa.Column("withdrawn_versions", sa.Integer),
    sa.UniqueConstraint("source", "stream", "name", "fingerprint", name="one_delivery_per_name_and_content"),
    sa.UniqueConstraint("stream", "accepted_order", name="one_delivery_per_place_in_the_log"),
)
FINDINGS = sa.Table(
    "findings",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("delivery_id", sa.String(60), sa.ForeignKey("deliveries.delivery_id"), nullable=False),
    sa.Column("run_id", sa.String(60), nullable=False),
    sa.Column("check", sa.Text, nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
)
OVERRIDES_SAID = sa.Table(
    "overrides_said",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("policy", sa.String(100), nullable=False),
    sa.Column("customer_source", sa.String(100), nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date),
    sa.Column("tier", sa.String(100), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("said_at", sa.DateTime, nullable=False),
    sa.Column("delivery_id", sa.String(60), sa.ForeignKey("deliveries.delivery_id")),
)
POLICY_VERSIONS = sa.Table(
    "policy_versions",
    METADATA,
    sa.Column("policy", sa.String(100), primary_key=True),
    sa.Column("version", sa.String(12), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("first_as_of", sa.Date, nullable=False),
    sa.Column("added_at", sa.DateTime, nullable=False),
)
VALUE_MODELS = sa.Table(
    "value_models",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("model_id", sa.String(20), nullable=False),
    sa.Column("fitted_on", sa.Date, nullable=False),
    sa.Column("run_id", sa.String(60), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("added_at", sa.DateTime, nullable=False),
)
FITS_ASKED = sa.Table(
    "fits_asked",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("asked_at", sa.DateTime, nullable=False),
    sa.Column("run_id", sa.String(60)),
)
RELEASES = sa.Table(
    "releases",
    METADATA,
    sa.Column("release_id", sa.String(40), primary_key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("parent_release_id", sa.String(40)),
    sa.Column("run_id", sa.String(60), nullable=False),
    sa.Column("manifest_hash", sa.String(64), nullable=False),
    sa.Column("committed_at", sa.DateTime, nullable=False),
    sa.Column("is_kept", sa.Boolean, nullable=False),
    sa.UniqueConstraint("as_of", "number", name="one_release_per_day_and_number"),
)


@dataclass(frozen=True)
class Run:
    """One attempt at a night or a backfill. `counter` is the pointer's when it began: what its commit is held against."""

    run_id: str
    kind: str
    days: tuple[date, ...]
    counter: int
    parent_release_id: str | None
    status: str
    message: str | None
    started_at: datetime
    ended_at: datetime | None

    @property
    def as_of(self) -> date:
        return self.days[-1]

    @property
    def work(self) -> Path:
        return settings().work / self.run_id


@dataclass(frozen=True)
class Delivery:
    """One file as it landed, and what became of its rows. Paths are relative to `var/`.

    `mapping` is the version of the description that it was read by. A delivery that reads a file anew names the one
    that brought it as `remapped_from`.
    """

    delivery_id: str
    source: str
    stream: str
    name: str
    fingerprint: str
    path: str
    claimed_on: date | None
    landed_at: datetime
    status: str
    known_on: date | None
    accepted_order: int | None
    accepted_run_id: str | None
    accepted_file: str | None
    accepted_sha256: str | None
    quarantine_file: str | None
    delivered_rows: int | None
    accepted_rows: int | None
    duplicate_rows: int | None
    quarantined_rows: int | None
    left_out_rows: int | None
    late_rows: int | None
    refusal_code: str | None
    refusal: str | None
    accepted_because: str | None
    mapping: str | None
    remapped_from: str | None
    withdrawn_versions: int | None

    @property
    def rows_in_the_log(self) -> int:
        """Accepted rows, those left out, and one for each version that it withdraws."""
        return (self.accepted_rows or 0) + (self.left_out_rows or 0) + (self.withdrawn_versions or 0)


@dataclass(frozen=True)
class OverrideSaid:
    """A version of an override as a person gave it by command. `delivery_id` is null until a run took it in."""

    number: int
    policy: str
    customer_source: str
    customer_id: str
    starts_on: date
    ends_on: date | None
    tier: str
    reason: str
    author: str
    said_at: datetime
    delivery_id: str | None

    def row(self) -> dict[str, Any]:
        """The row of the stream `tier_overrides` that it is; the version said last is the newest."""
        return {
            "policy": self.policy,
            "customer_source": self.customer_source,
            "customer_id": self.customer_id,
            "from": self.starts_on,
            "until": self.ends_on,
            "tier": self.tier,
            "reason": self.reason,
            "author": self.author,
            "updated_at": self.said_at,
        }


@dataclass(frozen=True)
class Pointer:
    """What readers follow, and the counter that every release and rollback raises."""

    counter: int
    release_id: str | None


@dataclass(frozen=True)
class Release:
    """One committed release. `is_kept` is false once retention removed its folder."""

    release_id: str
    as_of: date
    number: int
    parent_release_id: str | None
    run_id: str
    manifest_hash: str
    committed_at: datetime
    is_kept: bool


# --- the store itself -----------------------------------------------------------------------------------------------


@functools.cache
def _engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        engine = sa.create_engine(url)
        _migrate(engine)
        return engine
    _refuse_to_start_from_nothing(Path(str(sa.make_url(url).database)))
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"timeout": 60})

    @sa.event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's begin below opens transactions, not the driver
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":  # readers wait for nobody
            connection.exec_driver_sql("begin immediate")  # a writer waits here, never in the middle

    _migrate(engine)
    return engine


def _refuse_to_start_from_nothing(database: Path) -> None:
    folder = settings().releases
    if not database.exists() and folder.exists() and any(folder.glob("*/manifest.json")):
        raise ConfigurationRefused(
            f"{database} is gone, but {folder} holds releases: starting from nothing would forget every delivery and tier.",
            hint=f"put the control store back from your backup: move {folder} away, then `tierwise restore BACKUP`;"
            " if you really want to begin anew, move the folder away and run",
        )
    database.parent.mkdir(parents=True, exist_ok=True)


def _migrate(engine: sa.Engine) -> None:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as c:
        if sa.inspect(c).has_table("alembic_version"):
            version = c.execute(sa.text("select version_num from alembic_version")).scalar()
            if version == MIGRATION_HEAD:
                return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as c:
        config.attributes["connection"] = c
        command.upgrade(config, "head")


def file() -> Path:
    """Where the store lies, if it is a file of ours to copy. Raises ConfigurationRefused for a database server."""
    url = sa.make_url(settings().control_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise ConfigurationRefused(
            f"The control store is a {url.get_backend_name()} database (TIERWISE_CONTROL_URL), which is not ours to copy.",
            hint="take the database's own dump first, then copy var/lake and var/release: files are never changed,"
            " so a copy made later holds whatever the dump names",
        )
    return Path(url.database)


@dataclass(frozen=True)
class Copied:
    """What a copy of the store says of what lies beside it."""

    pointer: Pointer
    releases: list[Release]
    deliveries: list[Delivery]


def copy_to(target: Path) -> Copied:
    """Copy the store as it stands at this moment, whoever writes to it meanwhile."""
    file()
    with _reading() as c:
        c.execute(sa.text("vacuum into :target"), {"target": str(target)})
    engine = sa.create_engine(f"sqlite:///{target}", poolclass=sa.NullPool)
    with engine.connect() as c:
        row = c.execute(sa.select(POINTER.c.counter, POINTER.c.release_id)).one()
        return Copied(
            Pointer(row.counter, row.release_id),
            [Release(**row) for row in c.execute(sa.select(RELEASES)).mappings()],
            [Delivery(**row) for row in c.execute(sa.select(DELIVERIES)).mappings()],
        )


@contextmanager
def _transaction() -> Iterator[sa.Connection]:
    try:
        with _engine(settings().control_url).begin() as c:
            yield c
    except sa.exc.OperationalError as problem:
        if "locked" not in str(problem):
            raise
        raise Busy("The control store is in use by somebody else for a long time.", hint="try again later") from None


@contextmanager
def _reading() -> Iterator[sa.Connection]:
    engine = _engine(settings().control_url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as c:
        yield c


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _after_the_last(c: sa.Connection, column: sa.Column[datetime]) -> datetime:
    """The clock, but never behind what stands in a column: a clock set back must not turn the order of things round."""
    last = c.execute(sa.select(sa.func.max(column))).scalar()
    return max(_now(), last + timedelta(microseconds=1)) if last else _now()


# --- the pointer and releases ---------------------------------------------------------------------------------------


def pointer() -> Pointer:
    with _reading() as c:
        row = c.execute(sa.select(POINTER.c.counter, POINTER.c.release_id)).one()
    return Pointer(row.counter, row.release_id)


def _hold_running(c: sa.Connection, run: Run) -> None:
    """A run that was declared over may not come back: what it left may have been swept."""
    status = c.execute(sa.select(RUNS.c.status).where(RUNS.c.run_id == run.run_id)).scalar()
    if status != "running":
        raise Busy(f"The run {run.run_id} is {status} and can change nothing any more.", hint="begin a new one")


def _hold_against(c: sa.Connection, counter: int) -> None:
    now = c.execute(sa.select(POINTER).with_for_update()).one()
    if now.counter != counter:
        raise Busy(
            f"Another run was faster: the current release is {now.release_id}, made after this run began.",
            hint="nothing was changed; run the day again if it is still needed",
        )


def releases() -> list[Release]:
    """All committed releases, the oldest commit first."""
    with _reading() as c:
        rows = c.execute(sa.select(RELEASES).order_by(RELEASES.c.committed_at, RELEASES.c.release_id)).mappings()
        return [Release(**row) for row in rows]


def release(release_id: str) -> Release:
    for one in releases():
        if one.release_id == release_id:
            return one
    raise ConfigurationRefused(
        f"There is no release {release_id}.", hint="`tierwise release list` shows those there are"
    )


def release_of(run_id: str) -> Release | None:
    """The release that a run made, if it made one."""
    return next((r for r in releases() if r.run_id == run_id), None)


@contextmanager
def committing(run: Run, accepted: frozenset[str]) -> Iterator[tuple[sa.Connection, str, int]]:
    """The one commit: inside it the caller puts the folder in its place; leaving it moves the pointer.

    `accepted` are the deliveries of the run's manifest: none may have been accepted since. Yields the connection, the
    new release's id and its number. Raises Busy where another run was faster.
    """
    with _transaction() as c:
        _hold_against(c, run.counter)
        _hold_running(c, run)
        now = set(c.execute(sa.select(DELIVERIES.c.delivery_id).where(DELIVERIES.c.status == "accepted")).scalars())
        if now != accepted:
            raise Busy(
                f"Deliveries were accepted after this run's manifest was written: {', '.join(sorted(now ^ accepted))}.",
                hint="nothing was changed; run the day again",
            )
        last = c.execute(sa.select(sa.func.max(RELEASES.c.number)).where(RELEASES.c.as_of == run.as_of)).scalar()
        number = (last or 0) + 1
        yield c, f"{run.as_of}.{number}", number


def record_release(c: sa.Connection, run: Run, release_id: str, number: int, manifest_hash: str) -> None:
    """Inside `committing`: write the release, move the pointer, raise the counter, end the run.

    Every other run under way began before this release and can no longer commit: it ends here too.
    """
    c.execute(
        RELEASES.insert().values(
            release_id=release_id,
            as_of=run.as_of,
            number=number,
            parent_release_id=run.parent_release_id,
            run_id=run.run_id,
            manifest_hash=manifest_hash,
            committed_at=_after_the_last(c, RELEASES.c.committed_at),
            is_kept=True,
        )
    )
    c.execute(POINTER.update().values(counter=run.counter + 1, release_id=release_id))
    c.execute(RUNS.update().where(RUNS.c.run_id == run.run_id).values(status="released", ended_at=_now()))
    overtaken = {"status": "failed", "message": f"overtaken by release {release_id}", "ended_at": _now()}
    c.execute(RUNS.update().where(RUNS.c.status == "running").values(overtaken))


def move_pointer(to: str, counter: int) -> None:
    """Roll back: point to an earlier release and raise the counter, if nobody else did meanwhile."""
    with _transaction() as c:
        _hold_against(c, counter)
        c.execute(POINTER.update().values(counter=counter + 1, release_id=to))


def forget_releases(release_ids: list[str]) -> None:
    """Retention removed their folders; the rows stay."""
    with _transaction() as c:
        c.execute(RELEASES.update().where(RELEASES.c.release_id.in_(release_ids)).values(is_kept=False))


# --- runs -----------------------------------------------------------------------------------------------------------


def begin_run(run_id: str, kind: str, days: list[date], parent_release_id: str | None, counter: int) -> Run:
    with _transaction() as c:
        _hold_against(c, counter)
        c.execute(
            RUNS.insert().values(
                run_id=run_id,
                kind=kind,
                days=json.dumps([d.isoformat() for d in days]),
                counter=counter,
                parent_release_id=parent_release_id,
                status="running",
                started_at=_after_the_last(c, RUNS.c.started_at),
            )
        )
    return run(run_id)


def _as_run(row: Any) -> Run:
    values = dict(row)
    values["days"] = tuple(date.fromisoformat(d) for d in json.loads(values["days"]))
    return Run(**values)


def run(run_id: str) -> Run:
    with _reading() as c:
        row = c.execute(sa.select(RUNS).where(RUNS.c.run_id == run_id)).mappings().one_or_none()
    if row is None:
        raise ConfigurationRefused(f"There is no run {run_id}.")
    return _as_run(row)


def runs() -> list[Run]:
    with _reading() as c:
        return [_as_run(r) for r in c.execute(sa.select(RUNS).order_by(RUNS.c.started_at, RUNS.c.run_id)).mappings()]


def fail_run(run_id: str, message: str) -> None:
    with _transaction() as c:
        c.execute(
            RUNS.update()
            .where(RUNS.c.run_id == run_id, RUNS.c.status == "running")
            .values(status="failed", message=message, ended_at=_now())
        )


# --- deliveries -----------------------------------------------------------------------------------------------------


def add_delivery(
    source: str,
    stream: str,
    name: str,
    fingerprint: str,
    path: str,
    claimed_on: date | None,
    *,
    delivery_id: str,
    refused: tuple[str, str] | None = None,
    said: Sequence[int] = (),
    mapping: str | None = None,
    remapped_from: str | None = None,
) -> Delivery:
    """Record what landed, or why it may not come in (code, sentence). The same name and content is one delivery.

    `said` are the numbers of the overrides that it brings: with the same commit they wait no longer. What is to be
    read anew by another `mapping` is a delivery of its own.
    """
    code, sentence = refused or (None, None)
    with _transaction() as c:
        known = c.execute(sa.select(DELIVERIES.c.delivery_id).where(DELIVERIES.c.delivery_id == delivery_id)).scalar()
        if known is None:
            c.execute(
                DELIVERIES.insert().values(
                    delivery_id=delivery_id,
                    source=source,
                    stream=stream,
                    name=name,
                    fingerprint=fingerprint,
                    path=path,
                    claimed_on=claimed_on,
                    landed_at=_after_the_last(c, DELIVERIES.c.landed_at),
                    status="landed" if refused is None else "refused",
                    refusal_code=code,
                    refusal=sentence,
                    mapping=mapping,
                    remapped_from=remapped_from,
                )
            )
        if said:
            c.execute(OVERRIDES_SAID.update().where(OVERRIDES_SAID.c.number.in_(said)).values(delivery_id=delivery_id))
    return delivery(delivery_id)


def delivery(delivery_id: str) -> Delivery:
    with _reading() as c:
        row = c.execute(sa.select(DELIVERIES).where(DELIVERIES.c.delivery_id == delivery_id)).mappings().one_or_none()
    if row is None:
        raise ConfigurationRefused(
            f"There is no delivery {delivery_id}.", hint="`tierwise source list` shows the latest ones"
        )
    return Delivery(**row)


def deliveries(*, status: str | None = None, source: str | None = None, stream: str | None = None) -> list[Delivery]:
    """Deliveries in the order in which they are to be taken: by claimed day, then name."""
    wanted = sa.select(DELIVERIES)
    for column, value in ((DELIVERIES.c.status, status), (DELIVERIES.c.source, source), (DELIVERIES.c.stream, stream)):
        if value is not None:
            wanted = wanted.where(column == value)
    wanted = wanted.order_by(
        DELIVERIES.c.stream,
        DELIVERIES.c.accepted_order.nulls_last(),
        DELIVERIES.c.claimed_on.nulls_first(),
        DELIVERIES.c.source,
        DELIVERIES.c.name,
        DELIVERIES.c.landed_at,
        DELIVERIES.c.delivery_id,
    )
    with _reading() as c:
        return [Delivery(**row) for row in c.execute(wanted).mappings()]


def last_readings(found: Sequence[Delivery]) -> list[Delivery]:
    """Of accepted deliveries those that count: where a file was read anew, the last reading of it."""
    last: dict[str, Delivery] = {}
    for one in sorted((d for d in found if d.status == "accepted"), key=lambda d: (d.stream, d.accepted_order)):
        last[one.remapped_from or one.delivery_id] = one
    return list(last.values())


def raw_still_needed(found: Sequence[Delivery]) -> dict[str, str]:
    """Path → fingerprint of the raw files that a night or a person still has to read: what waits or was refused, and
    what left rows in quarantine. What was to be read anew and was refused stands as it was read."""
    waiting = [d for d in found if d.status == "landed" or (d.status == "refused" and d.remapped_from is None)]
    return {d.path: d.fingerprint for d in waiting + [d for d in last_readings(found) if d.quarantined_rows]}


def refuse_delivery(run_id: str, delivery_id: str, code: str, sentence: str) -> None:
    """It stays outside. What was to be read anew stands as it was read before; that is found once, and holds nobody."""
    if delivery(delivery_id).remapped_from is not None:
        stands = f"{sentence} It stands as it was read before the mapping changed."
        add_finding(delivery_id, run_id, "read_anew", "warning", stands, 1)
    with _transaction() as c:
        c.execute(
            DELIVERIES.update()
            .where(DELIVERIES.c.delivery_id == delivery_id, DELIVERIES.c.status != "accepted")
            .values(status="refused", refusal_code=code, refusal=sentence)
        )


def accept_anyway(delivery_id: str, because: str) -> None:
    """A person vouches for a refused delivery. Only a mark: the next run accepts it."""
    with _transaction() as c:
        changed = c.execute(
            DELIVERIES.update()
            .where(DELIVERIES.c.delivery_id == delivery_id, DELIVERIES.c.status == "refused")
            .values(status="landed", accepted_because=because)
        )
    if changed.rowcount == 0:
        state = delivery(delivery_id).status
        raise ConfigurationRefused(
            f"Delivery {delivery_id} is {state}, not refused; there is nothing to accept.",
            hint="`tierwise source list` shows the refused ones",
        )


def accept_delivery(run: Run, delivery_id: str, *, compared_with: int, facts: dict[str, Any]) -> None:
    """Put a delivery into the log, if the pointer and the stream's log are as the run saw them.

    `compared_with` is the last accepted place in the stream's log that the run compared with (0 = none);
    `facts` are the columns known only now (counts, files, known_on).
    """
    with _transaction() as c:
        _hold_against(c, run.counter)
        _hold_running(c, run)
        one = c.execute(sa.select(DELIVERIES).where(DELIVERIES.c.delivery_id == delivery_id)).one()
        last = c.execute(
            sa.select(sa.func.max(DELIVERIES.c.accepted_order)).where(DELIVERIES.c.stream == one.stream)
        ).scalar()
        if one.status == "accepted" or (last or 0) != compared_with:
            raise Busy(
                f"Another run accepted {one.stream} while this one was looking at {delivery_id}.",
                hint="nothing was changed; run the day again",
            )
        c.execute(
            DELIVERIES.update()
            .where(DELIVERIES.c.delivery_id == delivery_id)
            .values(
                status="accepted",
                accepted_order=compared_with + 1,
                accepted_run_id=run.run_id,
                refusal_code=None,
                refusal=None,
                **facts,
            )
        )


def add_finding(delivery_id: str, run_id: str, check: str, severity: str, sentence: str, count: int) -> None:
    with _transaction() as c:
        c.execute(
            FINDINGS.insert().values(
                delivery_id=delivery_id, run_id=run_id, check=check, severity=severity, sentence=sentence, count=count
            )
        )


def findings(*, run_id: str | None = None) -> list[dict[str, Any]]:
    """What was odd about deliveries without keeping them out."""
    wanted = sa.select(FINDINGS).order_by(FINDINGS.c.id)
    if run_id is not None:
        wanted = wanted.where(FINDINGS.c.run_id == run_id)
    with _reading() as c:
        return [dict(row) for row in c.execute(wanted).mappings()]


# --- overrides ------------------------------------------------------------------------------------------------------


def say_override(**said: Any) -> OverrideSaid:
    """Keep a version of an override (the columns of OverrideSaid) until the next run takes it in."""
    with _transaction() as c:
        said_at = _after_the_last(c, OVERRIDES_SAID.c.said_at)
        added = c.execute(OVERRIDES_SAID.insert().values(said_at=said_at, **said).returning(OVERRIDES_SAID))
        return OverrideSaid(**added.mappings().one())


def overrides_said(*, waiting: bool = False) -> list[OverrideSaid]:
    """Every version said by command, or those that no run took in yet, in the order in which they were said."""
    wanted = sa.select(OVERRIDES_SAID).order_by(OVERRIDES_SAID.c.number)
    if waiting:
        wanted = wanted.where(OVERRIDES_SAID.c.delivery_id.is_(None))
    with _reading() as c:
        return [OverrideSaid(**row) for row in c.execute(wanted).mappings()]


# --- policies -------------------------------------------------------------------------------------------------------


def add_policy_version(policy: str, version: str, text: str, as_of: date) -> None:
    """Keep a policy's canonical text under its version; the first day it was used stays."""
    key = (POLICY_VERSIONS.c.policy == policy) & (POLICY_VERSIONS.c.version == version)
    with _transaction() as c:
        if c.execute(sa.select(POLICY_VERSIONS.c.version).where(key)).first() is None:
            c.execute(
                POLICY_VERSIONS.insert().values(
                    policy=policy,
                    version=version,
                    text=text,
                    first_as_of=as_of,
                    added_at=_after_the_last(c, POLICY_VERSIONS.c.added_at),
                )
            )


def policy_versions() -> list[dict[str, Any]]:
    with _reading() as c:
        wanted = sa.select(POLICY_VERSIONS).order_by(POLICY_VERSIONS.c.policy, POLICY_VERSIONS.c.added_at)
        return [dict(row) for row in c.execute(wanted).mappings()]


# --- value models ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ValueModelKept:
    """A value model as some run fitted it; `text` holds its parameters and its card."""

    model_id: str
    fitted_on: date
    text: str


def value_models() -> list[ValueModelKept]:
    """The models fitted so far, one a day of fitting (a day that was run again has its last), the oldest day first."""
    wanted = sa.select(VALUE_MODELS).order_by(VALUE_MODELS.c.number)
    with _reading() as c:
        rows = c.execute(wanted).mappings().all()
    last = {row["fitted_on"]: ValueModelKept(row["model_id"], row["fitted_on"], row["text"]) for row in rows}
    return [last[day] for day in sorted(last)]


def record_value_models(c: sa.Connection, run: Run, models: Sequence[ValueModelKept]) -> None:
    """Inside `committing`: keep what the run fitted. A fit that was asked for, it was this one."""
    for model in models:
        c.execute(
            VALUE_MODELS.insert().values(
                model_id=model.model_id,
                fitted_on=model.fitted_on,
                run_id=run.run_id,
                text=model.text,
                added_at=_after_the_last(c, VALUE_MODELS.c.added_at),
            )
        )
    if models:
        in_time = FITS_ASKED.c.asked_at <= run.started_at
        c.execute(FITS_ASKED.update().where(FITS_ASKED.c.run_id.is_(None), in_time).values(run_id=run.run_id))


def ask_for_fit() -> None:
    """The next run fits the value model anew. Asked twice is asked once."""
    if not is_fit_asked():
        with _transaction() as c:
            c.execute(FITS_ASKED.insert().values(asked_at=_after_the_last(c, FITS_ASKED.c.asked_at)))


def is_fit_asked(*, by: datetime | None = None) -> bool:
    """Whether a fit is asked for that no run did yet; `by` a run's beginning, if it is to be that run's."""
    wanted = sa.select(FITS_ASKED.c.number).where(FITS_ASKED.c.run_id.is_(None))
    if by is not None:
        wanted = wanted.where(FITS_ASKED.c.asked_at <= by)
    with _reading() as c:
        return c.execute(wanted).first() is not None
