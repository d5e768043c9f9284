"""`ratio_half_even` against Python's decimal module: the rounding that every line, ratio and score goes through."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

import duckdb
import pytest

from tierwise import warehouse

Ask = Callable[[list[tuple[int, int]]], list[Decimal]]


@pytest.fixture(scope="module")
def to_4_decimals(lay) -> Ask:
    """The macro's own SQL, as dbt compiles it for DuckDB."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    build = lay(date(2024, 12, 31))
    inline = "select {{ ratio_half_even('numerator', 'denominator', 4) }} as rounded from given order by place"
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DBT_ENV_SECRET_BUILD", str(build))
            ran = dbtRunner().invoke(["compile", "--inline", inline, *warehouse._options(build.parent / "logs")])
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert ran.success, ran.exception
    sql = ran.result.results[0].node.compiled_code

    def ask(ratios: list[tuple[int, int]]) -> list[Decimal]:
        with duckdb.connect() as d:
            d.execute("create table given (place integer, numerator hugeint, denominator hugeint)")
            for place, (numerator, denominator) in enumerate(ratios):
                d.execute("insert into given values (?, ?, ?)", [place, numerator, denominator])
            return [row[0] for row in d.execute(sql).fetchall()]

    return ask


@pytest.mark.parametrize(
    ("number", "rounded"),
    [
        ("12.34565", "12.3456"),  # the tie of DEFINITIONS: down to the even digit
        ("12.34575", "12.3458"),  # up to the even digit
        ("12.34565000001", "12.3457"),  # no tie
        ("12.34564999999", "12.3456"),
        ("-12.34565", "-12.3456"),
        ("-12.34575", "-12.3458"),
        ("-12.34565000001", "-12.3457"),
        ("0.00005", "0.0000"),
        ("0.00015", "0.0002"),
        ("-0.00005", "0.0000"),
        ("0", "0.0000"),
        ("99999999.99995", "100000000.0000"),
    ],
)
def test_a_tie_goes_to_the_even_digit(to_4_decimals, number, rounded):
    numerator, denominator = Decimal(number).as_integer_ratio()
    assert to_4_decimals([(numerator, denominator)]) == [Decimal(rounded)]


def test_a_ratio_is_rounded_as_pythons_decimals_round_it(to_4_decimals):
    draw = random.Random(12)
    exact = Context(prec=60)
    ratios = [
        (draw.randint(-(10**12), 10**12), draw.choice((3, 7, 16, 20000, draw.randint(1, 10**9)))) for _ in range(300)
    ]
    expected = [
        exact.divide(Decimal(n), Decimal(d)).quantize(Decimal("0.0001"), ROUND_HALF_EVEN, exact) for n, d in ratios
    ]
    assert to_4_decimals(ratios) == expected
