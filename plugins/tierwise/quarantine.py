"""What stays outside, and why: the rows that a person must mend or leave out."""

from __future__ import annotations

from dataclasses import dataclass

from tierwise import control
from tierwise.settings import settings
from tierwise.sources.reasons import ROW_REASONS


@dataclass(frozen=True)
class Outside:
    """How many rows of one delivery stay outside for one reason."""

    delivery_id: str
    source: str
    stream: str
    file: str
    reason_code: str
    rows: int
    how_to_mend: str


@dataclass(frozen=True)
class OutsideRow:
    """One row that stays outside, as it was delivered."""

    row_number: int
    reason_code: str
    column_name: str | None
    raw_value: str | None
    raw_row: str | None


def overview() -> list[Outside]:
    """Every delivery with rows in quarantine, by reason, the most rows first; of a file read anew, the last reading."""
    import duckdb

    found = []
    with duckdb.connect() as d:
        for delivery in control.last_readings(control.deliveries(status="accepted")):
            if delivery.quarantine_file is None:
                continue
            path = settings().var / delivery.quarantine_file
            rows = d.execute(
                f"select reason_code, count(distinct row_number) from read_parquet('{path}') group by 1"
            ).fetchall()
            found += [
                Outside(
                    delivery.delivery_id, delivery.source, delivery.stream, delivery.name, code, n, ROW_REASONS[code]
                )
                for code, n in rows
            ]
    return sorted(found, key=lambda o: (-o.rows, o.delivery_id, o.reason_code))


def rows(delivery_id: str, limit: int = 20) -> list[OutsideRow]:
    """The first rows of a delivery that stay outside, raw values included: for the terminal, never for a mart."""
    import duckdb

    delivery = control.delivery(delivery_id)
    if delivery.quarantine_file is None:
        return []
    path = settings().var / delivery.quarantine_file
    with duckdb.connect() as d:
        return [
            OutsideRow(*row)
            for row in d.execute(
                f"select row_number, reason_code, column_name, raw_value, raw_row from read_parquet('{path}')"
                " order by row_number, reason_code limit ?",
                [limit],
            ).fetchall()
        ]
