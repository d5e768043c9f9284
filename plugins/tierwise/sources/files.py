"""Files as sources: which ones there are, and each as a relation of raw rows.

A broken line does not shift the numbers of the others: lines that do not parse keep their own number, and the
relation leaves it free.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from tierwise import configuration, lake
from tierwise.errors import ConfigurationRefused, DeliveryRefused, told_of
from tierwise.settings import settings
from tierwise.sources.description import StreamEntry
from tierwise.sources.fragments import DELIVERED, read_select

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1 << 20
_MOST_FILES = 100_000
_BROKEN_SHARE = 0.01
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
_REASON_OF_REJECT = {"INVALID ENCODING": "encoding", "LINE SIZE OVER MAXIMUM": "field_too_long"}
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old or encrypted Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "Parquet",
}


@dataclass(frozen=True)
class BrokenLine:
    """A line that gave no row."""

    row_number: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Raw:
    """A delivered file as SQL: `relation` gives `row_number` and the raw columns, named and typed in `columns`."""

    relation: str
    columns: dict[str, str]
    rows: int
    broken: list[BrokenLine] = field(default_factory=list)


def listing(entry: StreamEntry) -> list[Path]:
    """The files that `from` matches, in the order of their names. Raises ConfigurationRefused for a glob gone wild."""
    home = settings().home
    found = []
    for path in home.glob(entry.from_):
        if not path.is_file() or path.name.startswith(".") or path.name.endswith(_UNFINISHED):
            continue
        if not path.resolve().is_relative_to(home):
            raise ConfigurationRefused(
                f"{entry.where}: `{entry.from_}` reaches {path.name}, a link that leaves the home folder.",
                hint="deliver the file itself",
            )
        found.append(path)
        if len(found) > _MOST_FILES:
            raise ConfigurationRefused(
                f"{entry.where}: `{entry.from_}` matches more than {_MOST_FILES:,} files.",
                hint="write a narrower pattern, or deliver larger files",
            )
    return sorted(found)


def raw_relation(entry: StreamEntry, path: Path, work: Path) -> str:
    """A relation to select `from`: `row_number` (1 = the first data row) and the raw columns. CSV and JSON give text."""
    return read(entry, path, work, vouched=True).relation


def read(entry: StreamEntry, path: Path, work: Path, *, vouched: bool = False) -> Raw:
    """Look at a delivered file once and say how to read it.

    `vouched`: somebody accepts the file although more than 1 % of its lines are broken. `work` holds what had to be
    transcoded. Raises DeliveryRefused for a file that cannot be read as the entry says.
    """
    if path.stat().st_size == 0:
        raise DeliveryRefused(f"{path.name} has 0 bytes.", code="empty", hint="was the export finished?")
    reader = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}[entry.file_format]
    work.mkdir(parents=True, exist_ok=True)
    with lake.engine(work / "spill") as d:
        raw = reader(d, entry, path, work, vouched)
        if entry.sql_file is not None and raw.rows:
            raw = _selected(d, entry, raw)
    if raw.rows + len(raw.broken) == 0 and not vouched:
        raise DeliveryRefused(f"{path.name} has no rows.", code="empty", hint="was the export finished?")
    return raw


def identifier(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- CSV ------------------------------------------------------------------------------------------------------------


def _read_csv(d: duckdb.DuckDBPyConnection, entry: StreamEntry, path: Path, work: Path, vouched: bool) -> Raw:
    said = entry.csv
    readable = _in_utf8(path, said.encoding, work)
    names = _header(entry, readable, path.name)
    columns = ", ".join(f"{_quoted(n)}: 'varchar'" for n in names)
    scan = (
        f"read_csv({_quoted(str(readable))}, auto_detect = false, header = true, skip = {said.skip_rows},"
        f" delim = {_quoted(said.delimiter)}, quote = {_quoted(said.quote)}, escape = {_quoted(said.escape)},"
        f" columns = {{{columns}}}, store_rejects = true)"
    )
    rows, broken = _scan(d, scan, 1 + said.skip_rows)
    _hold_broken(readable, path.name, rows, broken, vouched)
    return Raw(_numbered(scan, broken), dict.fromkeys(names, "VARCHAR"), rows, broken)


def _header(entry: StreamEntry, readable: Path, shown: str) -> list[str]:
    said = entry.csv
    with _bytes(readable) as stream:
        head = stream.read(4 << 20)
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise DeliveryRefused(f"{shown} is {what}, not CSV.", code="format", hint=f"{entry.where} says csv")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DeliveryRefused(
            f"{shown} is written in UTF-16, from offset 0; {entry.where} declares {said.encoding}.",
            code="encoding",
            hint="add `csv: {encoding: utf-16}`, or export it as UTF-8",
        )
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DeliveryRefused(f"{shown} is a web page, not CSV.", code="format", hint="did the export need a login?")
    lines = head.decode("utf-8-sig", errors="replace").split("\n")[said.skip_rows :]
    reader = csv.reader(
        io.StringIO("\n".join(lines)),
        delimiter=said.delimiter,
        quotechar=said.quote or None,
        quoting=csv.QUOTE_MINIMAL if said.quote else csv.QUOTE_NONE,
    )
    csv.field_size_limit(4 << 20)
    try:
        names = [n.strip().strip("\ufeff") for n in next(reader)]
    except (StopIteration, csv.Error):
        raise DeliveryRefused(f"{shown} has no header.", code="empty", hint="was the export finished?") from None
    bad = next((n for n in names if "\ufffd" in n), None)
    if bad is not None:
        _refuse_encoding(readable, shown, said.encoding)
    return _sound(entry, [n or f"column_{i}" for i, n in enumerate(names, 1)], shown)


_OUR_NAMES = ("row_number", "left_out_because", "position_in_order", "claimed_on", "place", "problems")


def _sound(entry: StreamEntry, names: list[str], shown: str) -> list[str]:
    limit = configuration.company().limits.max_columns
    if len(names) > limit:
        raise DeliveryRefused(
            f"{shown} has {len(names):,} columns; limits.max_columns of config/company.yml is {limit:,}.",
            code="too_many_columns",
            hint=f"is the delimiter {entry.csv.delimiter!r} right?",
        )
    folded = Counter(n.casefold() for n in names)
    twice = [n for n in names if folded[n.casefold()] > 1]
    if twice:
        raise DeliveryRefused(
            f"{shown} has two columns called `{twice[0]}`.", code="schema", hint="which one is meant? rename the other"
        )
    ours = next((n for n in names if n.casefold() in _OUR_NAMES), None)
    if ours is not None:
        raise DeliveryRefused(
            f"{shown} has a column called `{ours}`, which is our own.",
            code="schema",
            hint="rename it in the export",
        )
    return names


def _scan(d: duckdb.DuckDBPyConnection, scan: str, lines_before: int) -> tuple[int, list[BrokenLine]]:
    rows = cast("int", d.execute(f"select count(*) from {scan}").fetchall()[0][0])
    rejects = d.execute(
        "select line, min(error_type::varchar), min(csv_line) from reject_errors group by line order by line"
    ).fetchall()
    d.execute("drop table if exists reject_errors")
    d.execute("drop table if exists reject_scans")
    broken = [
        BrokenLine(line - lines_before, _REASON_OF_REJECT.get(why, "csv_parse"), (raw or "").strip("\r\n"))
        for line, why, raw in rejects
    ]
    return rows, broken


def _hold_broken(readable: Path, shown: str, rows: int, broken: list[BrokenLine], vouched: bool) -> None:
    if not broken:
        return
    total = rows + len(broken)
    last = broken[-1]
    if last.row_number >= total and last.reason != "encoding" and not _ends_with_a_line(readable):
        raise DeliveryRefused(
            f"{shown} ends in the middle of row {last.row_number:,}.", code="truncated", hint="deliver it again"
        )
    if vouched or len(broken) <= _BROKEN_SHARE * total:
        return
    if Counter(b.reason for b in broken).most_common(1)[0][0] == "encoding":
        _refuse_encoding(readable, shown, "utf-8")
    raise DeliveryRefused(
        f"{len(broken):,} of {total:,} lines of {shown} do not parse, first row {broken[0].row_number:,}.",
        code=broken[0].reason if broken[0].reason in ("csv_parse", "encoding") else "csv_parse",
        hint="are delimiter, quote and escape of the entry right?",
    )


def _numbered(scan: str, broken: list[BrokenLine]) -> str:
    """The rows of a scan with their numbers, the numbers of broken lines left free."""
    if not broken:
        return f"(select row_number() over () as row_number, * from {scan})"
    free = ", ".join(f"({b.row_number - i}, {i})" for i, b in enumerate(broken, 1))
    return (
        "(select good.place + coalesce(free.shift, 0) as row_number, good.* exclude (place)"
        f" from (select row_number() over () as place, * from {scan}) as good"
        f" asof left join (select before, max(shift) as shift from (values {free}) as f (before, shift) group by before)"
        " as free on good.place > free.before)"
    )


# --- JSON lines -----------------------------------------------------------------------------------------------------


def _read_jsonl(d: duckdb.DuckDBPyConnection, entry: StreamEntry, path: Path, work: Path, vouched: bool) -> Raw:
    readable = _in_utf8(path, entry.csv.encoding, work)
    with _bytes(readable) as stream:
        head = stream.read(1 << 16).removeprefix(codecs.BOM_UTF8).lstrip()
    if not head:
        raise DeliveryRefused(f"{path.name} has no rows.", code="empty", hint="was the export finished?")
    if head[:1] != b"{":
        what = {b"[": "one JSON array", b"<": "a web page"}.get(head[:1], "something else")
        raise DeliveryRefused(
            f"{path.name} is {what}, not JSON lines.", code="format", hint="write one JSON object on each line"
        )
    scan = (
        f"read_csv({_quoted(str(readable))}, auto_detect = false, header = false, delim = '\\x01', quote = '',"
        " escape = '', columns = {'line': 'varchar'}, store_rejects = true)"
    )
    _, unreadable = _scan(d, scan, 0)
    lines = _numbered(scan, unreadable)
    d.execute(f"""
        create temp table judged as
        select
            row_number, line,
            case
                when not json_valid(line) or json_type(line) <> 'OBJECT' then 'json_parse'
                when len(json_keys(line)) <> len(list_distinct(json_keys(line))) then 'duplicate_key'
            end as reason
        from {lines} where line is not null
        """)
    rows = cast("int", d.execute("select count(*) from judged where reason is null").fetchall()[0][0])
    found = d.execute("select row_number, reason, line from judged where reason is not null").fetchall()
    broken = sorted(
        [*unreadable, *(BrokenLine(n, reason, line) for n, reason, line in found)], key=lambda b: b.row_number
    )
    keys = d.execute(
        "select distinct unnest(json_keys(line)) as key from judged where reason is null order by key"
    ).fetchall()
    _hold_broken(readable, path.name, rows, broken, vouched)
    names = _sound(entry, [k for (k,) in keys], path.name)
    numbers = ", ".join(str(n) for n, _, _ in found)
    picked = ", ".join(
        f"json_extract_string(line, {_quoted('/' + n.replace('~', '~0').replace('/', '~1'))}) as {identifier(n)}"
        for n in names
    )
    apart = f" and row_number not in ({numbers})" if numbers else ""
    relation = f"(select row_number, {picked} from {lines} where line is not null{apart})"
    return Raw(relation, dict.fromkeys(names, "VARCHAR"), rows, broken)


# --- Parquet --------------------------------------------------------------------------------------------------------


def _read_parquet(d: duckdb.DuckDBPyConnection, entry: StreamEntry, path: Path, _work: Path, _vouched: bool) -> Raw:
    import duckdb

    with path.open("rb") as f:
        begins = f.read(4)
        f.seek(-min(4, path.stat().st_size), io.SEEK_END)
        ends = f.read(4)
    if begins != b"PAR1":
        raise DeliveryRefused(f"{path.name} is no Parquet file.", code="format", hint=f"{entry.where} says parquet")
    if ends != b"PAR1":
        raise DeliveryRefused(f"{path.name} ends in the middle.", code="truncated", hint="deliver it again")
    scan = f"read_parquet({_quoted(str(path))}, file_row_number = true)"
    try:
        described = d.execute(f"describe select * exclude (file_row_number) from {scan}").fetchall()
        rows = cast("int", d.execute(f"select count(*) from {scan}").fetchall()[0][0])
    except duckdb.Error as why:
        raise DeliveryRefused(
            f"{path.name} is damaged: {str(why).splitlines()[0]}", code="truncated", hint="deliver it again"
        ) from None
    columns = {str(name): str(kind) for name, kind, *_ in described}
    _sound(entry, list(columns), path.name)
    return Raw(f"(select file_row_number + 1 as row_number, * exclude (file_row_number) from {scan})", columns, rows)


# --- the select beside the entry --------------------------------------------------------------------------------------


def _selected(d: duckdb.DuckDBPyConnection, entry: StreamEntry, raw: Raw) -> Raw:
    """The rows that the entry's own select makes of the delivered ones, numbered anew in their order."""
    import duckdb

    inner = f"with {DELIVERED} as (select * from {raw.relation}) select * from (\n{read_select(str(entry.sql_file))}\n)"
    try:
        described = {str(n): str(t) for n, t, *_ in d.execute(f"describe {inner}").fetchall()}
        order = ", ".join(identifier(n) for n in sorted(described, key=lambda n: (n != "row_number", n)))
        columns = {n: t for n, t in described.items() if n != "row_number"}
        relation = (
            f"(select row_number() over (order by {order}) as row_number,"
            f" {', '.join(identifier(n) for n in columns)} from ({inner}))"
        )
        rows = cast("int", d.execute(f"select count(*) from {relation}").fetchall()[0][0])
    except duckdb.Error as why:
        raise DeliveryRefused(
            f"config/{entry.sql_file} does not run over this delivery: {told_of(why)}",
            code="schema",
            hint=f"delivered are the columns {', '.join(raw.columns)}",
        ) from None
    broken = [BrokenLine(rows + i, b.reason, b.raw) for i, b in enumerate(raw.broken, 1)]
    return Raw(relation, columns, rows, broken)


# --- bytes ----------------------------------------------------------------------------------------------------------


def _bytes(path: Path) -> IO[bytes]:
    with path.open("rb") as f:
        packed = f.read(2) == b"\x1f\x8b" and path.name.lower().endswith(".gz")
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _ends_with_a_line(path: Path) -> bool:
    last = b""
    with _bytes(path) as stream:
        while chunk := stream.read(_CHUNK):
            last = chunk[-1:]
    return last in (b"\n", b"\r")


def _in_utf8(path: Path, encoding: str, work: Path) -> Path:
    """The file itself where it is UTF-8, else its text in UTF-8, streamed into the work folder."""
    if encoding == "utf-8":
        return path
    target = work / "transcoded" / f"{path.parent.name}-{path.name.removesuffix('.gz')}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.writing")
    with aside.open("wb") as out:
        for text in _decoded(path, path.name, encoding):
            out.write(text.encode("utf-8", errors="surrogatepass"))
    aside.replace(target)
    return target


def _decoded(path: Path, shown: str, encoding: str) -> Any:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset = 0
    with _bytes(path) as stream:
        while True:
            chunk = stream.read(_CHUNK)
            kept = len(decoder.getstate()[0])
            try:
                yield decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as why:
                raise DeliveryRefused(
                    f"{shown} is no {encoding}: the first bad byte is at offset {offset - kept + why.start:,}.",
                    code="encoding",
                    hint="declare `csv: {encoding: …}` as the file is written, or export it as UTF-8",
                ) from None
            offset += len(chunk)
            if not chunk:
                return


def _refuse_encoding(readable: Path, shown: str, encoding: str) -> None:
    for _ in _decoded(readable, shown, encoding):
        pass
    raise DeliveryRefused(f"{shown} is no {encoding}.", code="encoding", hint="declare its encoding in the entry")
