"""A company of nothing at first: build files over inputs that hold only the rows a test names."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tierwise import warehouse
from tierwise.policy.rules import TABLES
from tierwise.sources.streams import STREAMS

LAID = (
    *warehouse.LOGS,
    *warehouse.STATES,
    "ops_runs",
    "ops_deliveries",
    "ops_quarantine",
)
Rows = Sequence[Mapping[str, Any]]
Lay = Callable[..., Path]


@pytest.fixture(scope="module")
def lay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lay]:
    """Lay the inputs of a run: its days and, by input, the rows that it holds. What is not named is null or empty."""
    home = tmp_path_factory.mktemp("home")

    def lay_rows(*days: date, **rows: Rows) -> Path:
        folder = Path(tempfile.mkdtemp(dir=home))
        files = {name: _write(folder, name, rows.get(name, ())) for name in (*STREAMS, *LAID)}
        rules = {name: _write(folder, name, rows.get(name, ()))[0] for name in TABLES}
        build = folder / "build.duckdb"
        company = {"currency": "GBP", "time_zone": "Europe/London", "rate_days": "10"}
        warehouse.lay_inputs(build, days=days, company=company, rules=rules, files=files)
        return build

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TIERWISE_HOME", str(home))
        yield lay_rows


def _write(folder: Path, name: str, rows: Rows) -> list[Path]:
    columns = TABLES.get(name) or warehouse.input_columns(name)
    if not rows and name not in TABLES:
        return []
    file = folder / f"{name}.parquet"
    with duckdb.connect() as d:
        typed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        d.execute(f"create table held ({typed})")
        for row in rows:
            names = ", ".join(f'"{column}"' for column in row)
            d.execute(f"insert into held ({names}) values ({', '.join('?' for _ in row)})", list(row.values()))
        d.execute(f"copy held to '{file}'")
    return [file]
