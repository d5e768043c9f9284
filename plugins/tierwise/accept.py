"""Canonical rows → the accepted log, behind the door in: what is new, what repeats, what stays outside."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tierwise import configuration, control, lake, quality
from tierwise.errors import DeliveryRefused
from tierwise.manifest import starting_point
from tierwise.settings import settings
from tierwise.sources import description, files
from tierwise.sources.reasons import DELIVERY_REASONS
from tierwise.sources.streams import LOG_COLUMNS, STREAMS, Stream

if TYPE_CHECKING:
    from tierwise.sources.description import Source, StreamEntry

_USUAL_DAYS = 28


def accept(run_id: str) -> list[str]:
    """Bring what conform left in the run's work folder through the door in, and into the log.

    Returns the accepted delivery ids. Raises DeliveryRefused where the latest delivery of a required source may not
    come in; everything else that could be accepted has been by then, and stays.
    """
    run = control.run(run_id)
    company, sources = configuration.company(), description.load_sources()
    conformed = [control.delivery(f.stem) for f in sorted((run.work / "conformed").glob("*.json"))]
    waiting = [
        d
        for d in control.deliveries()
        if d in conformed and d.status != "accepted" and _facts(run, d)["refused"] is None
    ]
    waiting.sort(key=lambda d: _ranks_as(d, 0) or sys.maxsize)  # what is read anew stands before what is new
    accepted = []
    if waiting:
        doors = [_at_the_door(run, d) for d in waiting]
        verdicts = {v.delivery_id: v for v in quality.door_in(doors, company, run.work / "gate.duckdb")}
        for delivery in waiting:
            verdict = verdicts[delivery.delivery_id]
            for finding in verdict.warnings + verdict.refusals:
                control.add_finding(
                    delivery.delivery_id, run_id, finding.check, finding.severity, finding.sentence, finding.count
                )
            if verdict.refusals and delivery.accepted_because is None:
                first = verdict.refusals[0]
                control.refuse_delivery(run_id, delivery.delivery_id, first.code, first.sentence)
            elif _accept_one(
                run,
                delivery,
                *description.entry_of(delivery.source, delivery.stream, sources),
                verdict.failing,
                company.limits.max_bad_share,
            ):
                accepted.append(delivery.delivery_id)
    _hold_required_sources(sources)
    return accepted


def _facts(run: control.Run, delivery: control.Delivery) -> dict[str, object]:
    return json.loads((run.work / "conformed" / f"{delivery.delivery_id}.json").read_text())


def _at_the_door(run: control.Run, delivery: control.Delivery) -> quality.AtTheDoor:
    by_people = STREAMS[delivery.stream].by_people
    before = [
        d
        for d in control.deliveries(status="accepted", source=delivery.source, stream=delivery.stream)
        if d.known_on is not None and run.as_of - timedelta(days=_USUAL_DAYS) <= d.known_on and d.remapped_from is None
    ]
    is_usual = before and not by_people and delivery.remapped_from is None
    return quality.AtTheDoor(
        delivery_id=delivery.delivery_id,
        source=delivery.source,
        stream=delivery.stream,
        rows=run.work / "conformed" / f"{delivery.delivery_id}.parquet",
        known_on=run.days[0],
        delivered_rows=int(str(_facts(run, delivery)["delivered_rows"])),
        usual_rows=float(median(d.delivered_rows or 0 for d in before)) if is_usual else None,
        accepted_anyway=delivery.accepted_because is not None,
        log=_files(control.deliveries(status="accepted", stream=delivery.stream)) if by_people else (),
    )


def _files(accepted: Sequence[control.Delivery]) -> tuple[Path, ...]:
    return tuple(settings().var / str(d.accepted_file) for d in accepted)


def _hold_required_sources(sources: Sequence[Source]) -> None:
    """A required source whose latest delivery was refused holds the release; a later good one frees it."""
    for source in sources:
        for stream in source.streams if source.required else ():
            delivered = [d for d in control.deliveries(source=source.name, stream=stream) if d.remapped_from is None]
            landed = sorted(delivered, key=lambda d: (d.landed_at, d.delivery_id))
            if landed and landed[-1].status == "refused":
                last = landed[-1]
                raise DeliveryRefused(
                    f"{source.name} · {stream}: {last.name} was refused ({last.refusal_code}): {last.refusal}",
                    code=last.refusal_code or "",
                    hint="the old release stays; deliver it again, or, if it is right as it is, say"
                    f" `tierwise source accept {last.delivery_id} --because …`",
                )


def _accept_one(
    run: control.Run,
    delivery: control.Delivery,
    source: Source,
    entry: StreamEntry,
    failing: Path,
    max_bad_share: Decimal,
) -> bool:
    """Compare one delivery with its stream's log and commit it. False where too many of its rows are bad."""
    stream = STREAMS[delivery.stream]
    log = control.deliveries(status="accepted", stream=stream.name)
    facts = _facts(run, delivery)
    conformed = run.work / "conformed" / f"{delivery.delivery_id}.parquet"
    with lake.engine(run.work / "spill") as d:
        d.execute(f"create view conformed as from read_parquet('{conformed}')")
        values = " ".join(f"when '{c}' then {files.identifier(c)}::varchar" for c in stream.column_names)
        order = "order_id" if "order_id" in stream.column_names else "null::varchar"
        d.execute(f"create view log as {lake.rows_of(_files(log), stream.log_columns)}")
        d.execute(
            f"create table outside as select row_number, reason_code, column_name, raw_value, order_id from"
            f" read_parquet('{conformed.with_suffix('.rejected.parquet')}') union all by name"
            f" select row_number, reason_code, column_name, case column_name {values} end as raw_value,"
            f" {order} as order_id from read_parquet('{failing}')"
            " left join conformed using (row_number)"
        )
        place = (log[-1].accepted_order or 0) if log else 0
        last_decided = starting_point(run).last_decided
        ranks_as = _ranks_as(delivery, place + 1)
        d.execute(_incoming(stream, entry, delivery, run, last_decided, place + 1, ranks_as))
        d.execute(
            "insert into outside by name select distinct row_number, fate as reason_code,"
            f" '{stream.key[-1]}' as column_name from incoming where fate in ('conflict', 'order_incomplete')"
        )
        if delivery.remapped_from is not None:
            for statement in _read_before(
                stream, delivery, place + 1, ranks_as, _known_on("claimed_on", last_decided, run)
            ):
                d.execute(statement)
        counts = dict(d.execute("select fate, count(*) from incoming group by all").fetchall())
        quarantined = d.execute("select count(distinct row_number) from outside").fetchall()[0][0]
        judged = int(str(facts["delivered_rows"])) - int(str(facts["left_out_rows"]))
        too_many = judged and quarantined > max_bad_share * judged
        if too_many and delivery.accepted_because is None and not stream.by_people:
            worst = d.execute("select reason_code, count(*) from outside group by 1 order by 2 desc, 1").fetchall()[0]
            control.refuse_delivery(
                run.run_id,
                delivery.delivery_id,
                "bad_rows",
                f"{quarantined} of {judged} rows are bad ({worst[1]} × {worst[0]}): {DELIVERY_REASONS['bad_rows']}",
            )
            return False
        canonical = map(files.identifier, stream.column_names)
        columns = ", ".join(("source", "delivery_id", *canonical, *tuple(LOG_COLUMNS)[2:]))
        kept = lake.write_once(
            d,
            f"select {columns} from incoming where fate in ('new', 'left_out', 'withdrawn')"
            " order by row_number, fate, version_id",
            lake.accepted_file(stream.name, delivery.delivery_id, run.run_id),
        )
        quarantine = None
        if quarantined:
            quarantine = lake.write_once(
                d,
                _quarantine(run, delivery, source, entry),
                lake.quarantine_file(stream.name, delivery.delivery_id, run.run_id),
            )
        late = d.execute("select count(*) from incoming where fate = 'new' and is_late").fetchall()[0][0]
        last_known = d.execute("select max(known_on) from incoming where fate = 'new'").fetchall()[0][0]
    control.accept_delivery(
        run,
        delivery.delivery_id,
        compared_with=place,
        facts={
            "known_on": last_known or run.days[0],
            "accepted_file": kept.path,
            "accepted_sha256": kept.sha256,
            "quarantine_file": quarantine.path if quarantine else None,
            "delivered_rows": facts["delivered_rows"],
            "accepted_rows": counts.get("new", 0),
            "duplicate_rows": counts.get("duplicate", 0),
            "quarantined_rows": quarantined,
            "left_out_rows": counts.get("left_out", 0),
            "late_rows": late,
            "withdrawn_versions": counts.get("withdrawn", 0),
            "mapping": facts["mapping"],
        },
    )
    return True


def _incoming(
    stream: Stream,
    entry: StreamEntry,
    delivery: control.Delivery,
    run: control.Run,
    last_decided: date | None,
    place: int,
    ranks_as: int,
) -> str:
    """One statement that gives every conformed row its version and its fate: new, duplicate, conflict or left_out.

    Rows equal in key and content to the standing version are duplicates. Where a redelivered order replaces all its
    lines, lines have no id of their own, and an order with the same multiset of lines is a duplicate. What ranks behind
    `ranks_as` is no part of what is compared with.
    """
    by_order = entry.replaces == "order"
    version_columns = ("order_id",) if by_order else tuple(map(files.identifier, stream.key))
    content_columns = [files.identifier(c) for c in stream.column_names if not (by_order and c == "line_id")]
    content = ", ".join(f"coalesce({c}::varchar, chr(30))" for c in content_columns)
    version_of = "md5(concat_ws(chr(31), source, " + ", ".join(version_columns) + "))"
    version_row = "version_of" if by_order else "row_number::varchar"
    updated_at = "updated_at" if "updated_at" in stream.column_names else "null::timestamp"
    drop_repeats = by_order and entry.repeats is not None and entry.repeats.drop
    if by_order:  # all lines of an order are one version
        one_line = "partition by version_id, line_id, is_repeat, left_out_because is null"
        same_keys = f"case when left_out_because is null and not is_repeat then count(*) over ({one_line}) else 1 end"
        latest, same = "max({}) over (partition by version_id)", "list_sort(list(content_hash))"
    else:
        same_keys, latest, same = "1", "{}", "any_value(content_hash)"
    # A line that was bad before, too, makes what is read anew no worse.
    only_what_stood = f"and row_number in (select row_number from log where ranks_as = {ranks_as})"
    if delivery.remapped_from is None:
        only_what_stood = ""
    return f"""
    create table incoming as
    with judged as (
        select '{delivery.source}' as source, '{delivery.delivery_id}' as delivery_id, c.*
        from conformed as c
        anti join outside as o on o.row_number is not distinct from c.row_number
    ),
    hashed as (
        select
            *,
            md5(concat_ws(chr(31), {content})) as content_hash,
            case when left_out_because is null then {version_of} end as version_of
        from judged
    ),
    repeated as (
        select
            *,
            left_out_because is null and row_number() over (
                partition by version_of, content_hash, left_out_because is null order by row_number
            ) > 1 and {"true" if drop_repeats or not by_order else "false"} as is_repeat,
            case when left_out_because is null then md5(concat_ws(chr(31), delivery_id, {version_row})) end as version_id
        from hashed
    ),
    versioned as (
        select
            *,
            {latest.format(updated_at)} as version_updated_at,
            {latest.format("claimed_on")} as version_claimed_on,
            {same_keys} as same_keys
        from repeated
    ),
    standing as (  -- the version that stands in the log so far
        select version_of, {same} as contents
        from log
        where left_out_because is null and version_of in (select version_of from versioned)
            and coalesce(ranks_as, accepted_order) <= {ranks_as}
        group by version_of, version_id
        qualify row_number() over (
            partition by version_of
            order by max(version_updated_at) desc nulls last, max(claimed_on) desc nulls last,
                max(ranks_as) desc nulls last, max(version_row) desc, max(accepted_order) desc, max(row_number) desc
        ) = 1
    ),
    arriving as (
        select version_of, version_id, {same} as contents
        from versioned where left_out_because is null and not is_repeat
        group by all
    ),
    spoiled as (  -- orders that stand in the log and come anew with a bad line: half an order replaces no whole one
        select version_of from standing
        where version_of in (
            select md5(concat_ws(chr(31), '{delivery.source}', order_id)) from outside
            where order_id is not null {only_what_stood}
            union all select version_of from versioned where same_keys > 1
        )
    ),
    known as (select a.version_id from arriving as a join standing as s using (version_of, contents)),
    clashing as (  -- one key, different content, and nothing that says which is later
        select version_of, version_updated_at, version_claimed_on
        from versioned where left_out_because is null and not is_repeat
        group by all having count(distinct version_id) > 1
    )
    select
        v.* exclude (claimed_on, version_claimed_on, is_repeat, same_keys),
        coalesce(v.version_claimed_on, v.claimed_on) as claimed_on,
        {_known_on("coalesce(v.version_claimed_on, v.claimed_on)", last_decided, run)} as known_on,
        coalesce(v.version_claimed_on, v.claimed_on) <= {_day(last_decided)} as is_late,
        {place} as accepted_order,
        {ranks_as} as ranks_as,
        case when v.version_of is not null then {"0" if by_order else "v.row_number"} end as version_row,
        false as is_withdrawn,
        case
            when v.left_out_because is not null then 'left_out'
            when v.is_repeat or k.version_id is not null then 'duplicate'
            when s.version_of is not null then 'order_incomplete'
            when c.version_of is not null or v.same_keys > 1 then 'conflict'
            else 'new'
        end as fate
    from versioned as v
    left join known as k on k.version_id = v.version_id
    left join spoiled as s on s.version_of = v.version_of
    left join clashing as c
        on c.version_of = v.version_of
        and c.version_updated_at is not distinct from v.version_updated_at
        and c.version_claimed_on is not distinct from v.version_claimed_on
    """


def _ranks_as(delivery: control.Delivery, place: int) -> int:
    """The place in the log that a delivery's versions rank by: the first reading's, of a file that is read anew."""
    if delivery.remapped_from is None:
        return place
    return control.delivery(delivery.remapped_from).accepted_order or place


def _day(day: date | None) -> str:
    return f"date '{day or date.min}'"


def _known_on(claimed: str, last_decided: date | None, run: control.Run) -> str:
    """A claimed day counts where it was not decided yet; else it became known to this run, on its first day."""
    return f"case when {claimed} > {_day(last_decided)} then {claimed} else date '{run.days[0]}' end"


def _read_before(stream: Stream, delivery: control.Delivery, place: int, ranks_as: int, known_on: str) -> list[str]:
    """Statements that hold `incoming` against what the same file gave when it was read before.

    A version keeps the rank that the one from the same row has. One whose row is no longer accepted is withdrawn: a
    version of nothing takes its place. An order of which lines that stood are bad now stays as it was.
    """
    names = ", ".join(map(files.identifier, stream.key))
    key = ", ".join(f"any_value({name}) as {name}" for name in map(files.identifier, stream.key))
    same_row = "read.version_of = v.version_of and read.version_row = v.version_row"
    return [
        f"""
        create table read as  -- the versions of earlier readings, of each row the last
        select
            version_of, version_row, any_value(source) as source, {key}, max(row_number) as row_number,
            max(version_updated_at) as version_updated_at, max(claimed_on) as claimed_on,
            bool_or(is_withdrawn) as is_withdrawn
        from log
        where ranks_as = {ranks_as} and left_out_because is null
        group by version_of, version_row, accepted_order
        qualify row_number() over (partition by version_of, version_row order by accepted_order desc) = 1
        """,
        f"""
        update incoming as v set version_updated_at = read.version_updated_at, claimed_on = read.claimed_on
        from read where {same_row}
        """,
        f"""
        insert into incoming by name
        select
            source, '{delivery.delivery_id}' as delivery_id, {names}, row_number, {known_on} as known_on, claimed_on, version_of,
            md5(concat_ws(chr(31), '{delivery.delivery_id}', 'withdrawn', version_of, version_row)) as version_id,
            version_updated_at, {place} as accepted_order, {ranks_as} as ranks_as, version_row, true as is_withdrawn,
            'withdrawn' as fate
        from read
        anti join (from incoming where fate in ('new', 'duplicate', 'order_incomplete')) as v on {same_row}
        where not is_withdrawn
        """,
    ]


def _quarantine(run: control.Run, delivery: control.Delivery, source: Source, entry: StreamEntry) -> str:
    """What stays outside: reason, place and the raw row as it was delivered, one row per finding."""
    raw = files.raw_relation(entry, settings().var / delivery.path, run.work)
    return f"""
    select
        '{delivery.delivery_id}' as delivery_id, '{source.name}' as source, '{delivery.stream}' as stream,
        o.row_number, o.reason_code, o.column_name, o.raw_value, to_json(raw__row)::varchar as raw_row
    from outside as o
    left join (from {raw}) as raw__row on raw__row.row_number = o.row_number
    order by o.row_number, o.reason_code, o.column_name
    """
