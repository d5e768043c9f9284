"""Source → delivery: keep what arrived, byte for byte, under the name of its own content."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise import configuration, control, lake
from tierwise.errors import DeliveryRefused, StillArriving
from tierwise.settings import settings
from tierwise.sources import description, files
from tierwise.sources.reasons import DELIVERY_REASONS
from tierwise.sources.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tierwise.sources.description import Source, StreamEntry

log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_OUR_OWN_DISK = (errno.ENOSPC, errno.EROFS, errno.EDQUOT)


@dataclass(frozen=True)
class _Arrived:
    """A copy that is complete: what it hashes to, and why it may not come in."""

    copy: Path
    fingerprint: str
    refused: tuple[str, str] | None


def land(run_id: str, source: str, stream: str) -> list[str]:
    """Copy every new file of a source's stream into the lake and record it; returns the ids of the new deliveries.

    The same name with the same content is no new delivery. A file that is damaged lands too, and is refused. Where the
    mapping changed, what landed before is to be read anew, each file as a delivery of its own. Raises DeliveryRefused
    where a required source has nothing, or where its file changed while it was read (try again).
    """
    run = control.run(run_id)
    described, entry = description.entry_of(source, stream, description.load_sources())
    limit = configuration.company().limits.archive_bytes
    new = _land_what_lies_there(run, described, stream, entry, limit)
    if described.kind == description.BY_HAND:
        return new + _land_what_was_said(run, described, stream, entry)
    new += _read_anew(run_id, described, stream, entry)
    found = files.listing(entry)
    known = {(d.name, d.fingerprint) for d in control.deliveries(source=source, stream=stream)}
    if not found and not known and described.required:
        raise DeliveryRefused(
            f"{source} delivered no {stream}: nothing matches `{entry.from_}` ({entry.where}).",
            code="missing",
            hint=f"put the files below {settings().home}, or set `required: false` for {source}",
        )
    restless = []
    for path in found:
        name = _readable(path.name)
        try:
            arrived = _arrive(path, run.work / "arriving" / source / stream, limit)
        except OSError as why:
            if why.errno in _OUR_OWN_DISK:
                raise
            restless.append(f"{name} of {source}/{stream} cannot be read ({why.strerror})")
            continue
        if arrived is None:
            restless.append(f"{name} of {source}/{stream} changed while being read")
        elif (name, arrived.fingerprint) in known:
            arrived.copy.unlink()
        else:
            new.append(_keep(described, stream, entry, name, arrived))
    _report_restless(described, restless)
    return new


def _land_what_was_said(run: control.Run, described: Source, stream: str, entry: StreamEntry) -> list[str]:
    """Everything said by command since the last time, as one delivery. Said once, it lands once."""
    waiting = control.overrides_said(waiting=True)
    if not waiting:
        return []
    copy = run.work / "arriving" / described.name / stream / f"{stream}_{waiting[0].number}-{waiting[-1].number}.jsonl"
    copy.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(said.row(), ensure_ascii=False, default=str) for said in waiting]
    copy.write_text("\n".join(lines) + "\n", encoding="utf-8")
    arrived = _Arrived(copy, lake.fingerprint(copy), None)
    return [_keep(described, stream, entry, copy.name, arrived, said=[said.number for said in waiting])]


def _land_what_lies_there(
    run: control.Run, described: Source, stream: str, entry: StreamEntry, limit: int
) -> list[str]:
    """Record what landed and no row knows: after the backup that the store came from, or right before a crash.

    A folder is named after its whole content; half a file is none of ours, and its source delivers it again.
    """
    known = {d.delivery_id for d in control.deliveries(source=described.name, stream=stream)}
    new = []
    for path in sorted((settings().lake / "landing" / described.name / stream).glob("*/*")):
        delivery_id = path.parent.name
        if delivery_id not in known and delivery_id == _identity(described, stream, path.name, lake.fingerprint(path)):
            arrived = _arrive(path, run.work / "arriving" / described.name / stream, limit)
            if arrived is not None:
                new.append(_keep(described, stream, entry, path.name, arrived))
    return new


def _read_anew(run_id: str, described: Source, stream: str, entry: StreamEntry) -> list[str]:
    """A delivery for each file that was last read by another mapping. What people decided is not read otherwise."""
    if STREAMS[stream].by_people:
        return []
    mapping = entry.mapping(described.time_zone)
    readings: dict[str, list[control.Delivery]] = {}
    for delivery in control.deliveries(source=described.name, stream=stream):
        readings.setdefault(delivery.remapped_from or delivery.delivery_id, []).append(delivery)
    new = []
    for first, of_it in readings.items():
        accepted = [d for d in of_it if d.status == "accepted"]
        is_due = accepted and accepted[-1].mapping not in (mapping, None)
        if is_due and not any(d.status == "landed" or (d.status, d.mapping) == ("refused", mapping) for d in of_it):
            one = accepted[0]
            name = f"{one.name}, reading {len(of_it) + 1}"
            delivery_id = _identity(described, stream, name, one.fingerprint)
            control.add_delivery(
                described.name,
                stream,
                name,
                one.fingerprint,
                one.path,
                one.claimed_on,
                delivery_id=delivery_id,
                mapping=mapping,
                remapped_from=first,
            )
            if (settings().var / one.path).exists():
                new.append(delivery_id)
            else:
                control.refuse_delivery(run_id, delivery_id, "gone", f"{one.name} {DELIVERY_REASONS['gone']}.")
    return new


def _readable(name: str) -> str:
    """A file's name as text; bytes that are no UTF-8 (a GBK name, say) are written as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _arrive(path: Path, aside: Path, limit: int) -> _Arrived | None:
    """Copy a file while hashing and, where it is packed, testing it. None: it changed meanwhile."""
    aside.mkdir(parents=True, exist_ok=True)
    copy = aside / path.name
    digest = hashlib.sha256()
    packed = _Unpacking(limit) if path.name.lower().endswith(".gz") else None
    before = path.stat()
    with path.open("rb") as arriving, copy.open("wb") as kept:
        while chunk := arriving.read(_CHUNK):
            digest.update(chunk)
            kept.write(chunk)
            if packed is not None:
                packed.take(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (
        after.st_size,
        after.st_mtime_ns,
    ) or copy.stat().st_size != after.st_size:
        copy.unlink()
        return None
    return _Arrived(copy, digest.hexdigest(), packed.refusal(path.name) if packed else None)


class _Unpacking:
    """What a gzip archive unpacks to, counted and thrown away."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.damage = ""
        self._member = zlib.decompressobj(wbits=31)

    def take(self, chunk: bytes) -> None:
        if self.damage or self.size > self.limit:
            return
        try:
            while chunk and self.size <= self.limit:
                if self._member.eof:
                    if not chunk.strip(b"\0"):
                        return
                    self._member = zlib.decompressobj(wbits=31)
                self.size += len(self._member.decompress(chunk, _CHUNK))
                chunk = self._member.unconsumed_tail or self._member.unused_data
        except zlib.error as why:
            self.damage = str(why)

    def refusal(self, name: str) -> tuple[str, str] | None:
        if self.size > self.limit:
            return (
                "archive_limit",
                f"{name} unpacks to more than {self.limit:,} bytes (limits.archive_bytes of config/company.yml).",
            )
        if self.damage or not self._member.eof:
            return "truncated", f"{name} is cut off or damaged: it does not unpack to its end. Deliver it again."
        return None


def _keep(
    described: Source,
    stream: str,
    entry: StreamEntry,
    name: str,
    arrived: _Arrived,
    *,
    said: Sequence[int] = (),
) -> str:
    claimed, refused = _claimed_day(entry, name)
    refused = arrived.refused or refused
    delivery_id = _identity(described, stream, name, arrived.fingerprint)
    folder = settings().lake / "landing" / described.name / stream / delivery_id
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    shutil.move(arrived.copy, target)
    lake.sync(target)
    lake.sync(folder)
    control.add_delivery(
        described.name,
        stream,
        name,
        arrived.fingerprint,
        str(target.relative_to(settings().var)),
        claimed,
        delivery_id=delivery_id,
        refused=refused,
        said=said,
    )
    return delivery_id


def _identity(described: Source, stream: str, name: str, fingerprint: str) -> str:
    identity = f"{described.name}|{stream}|{name}|{fingerprint}"
    return f"{stream}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _claimed_day(entry: StreamEntry, name: str) -> tuple[date | None, tuple[str, str] | None]:
    if entry.known_on is None or entry.known_on.from_name is None:
        return None, None
    day = entry.known_on.day_of(name)
    if day is not None:
        return day, None
    return None, (
        "format",
        f"{name} does not give its day the way `{entry.known_on.from_name}` says ({entry.where}). Rename the file or mend the pattern.",
    )


def _report_restless(described: Source, reasons: list[str]) -> None:
    if not reasons:
        return
    sentence = f"{', '.join(reasons)}."
    if described.required:
        raise StillArriving(sentence, code="unstable_file", hint="try again once the file is complete")
    log.warning("%s It is taken the next time.", sentence)
