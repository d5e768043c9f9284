"""Rounding against Python's decimal module: what every line, ratio and score goes through."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import duckdb
import pytest

from tierwise import warehouse

Ask = Callable[[list[tuple[int, int]]], list[Decimal]]


@pytest.fixture(scope="module")
def compiled(lay) -> Callable[[str], str]:
    """A macro's own SQL, as dbt compiles it for DuckDB."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    build = lay(date(2024, 12, 31))

    def compiled(inline: str) -> str:
        try:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("TIERWISE_BUILD", str(build))
                ran = dbtRunner().invoke(["compile", "--inline", inline, *warehouse._options(build.parent / "logs")])
        finally:
            DuckDBConnectionManager.close_all_connections()
        assert ran.success, ran.exception
        return ran.result.results[0].node.compiled_code

    return compiled


@pytest.fixture(scope="module")
def to_4_decimals(compiled) -> Ask:
    sql = compiled("select {{ ratio_half_even('numerator', 'denominator', 4) }} as rounded from given order by place")

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
        ("12.34565", "12.3456"),  # a tie: down to the even digit
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


def test_a_mean_of_cents_is_rounded_as_pythons_fractions_round_it(compiled):
    """Every tie around zero, and draws up to what a decimal of 18 digits holds."""
    draw = random.Random(13)
    small = [(total, count) for total in range(-25, 26) for count in (1, 2, 3, 4, 6)]
    large = [(draw.randint(-(10**18) + 1, 10**18 - 1), draw.choice((2, 4, 7, 365, 10**6))) for _ in range(300)]
    sql = compiled("select {{ mean_half_even('total', 'items') }} as mean from given order by place")
    with duckdb.connect() as d:
        d.execute("create table given (place integer, total bigint, items bigint)")
        values = ", ".join(f"({place}, {total}, {items})" for place, (total, items) in enumerate([*small, *large]))
        d.execute(f"insert into given values {values}")
        means = [row[0] for row in d.execute(sql).fetchall()]
    assert means == [round(Fraction(total, items)) for total, items in [*small, *large]]


@pytest.mark.parametrize("scale", [4, 8])
def test_money_is_rounded_to_the_even_cent_whatever_its_decimals(compiled, scale):
    """Every amount to a tenth of a cent around zero, and some large ones, against Python's decimals."""
    tenths = [Decimal(n) / 1000 for n in range(-1205, 1206)]
    large = [Decimal(sign) * (Decimal("987654321.125") + Decimal(n) / 200) for n in range(8) for sign in (1, -1)]
    close = [Decimal("0.0051"), Decimal("0.0049"), Decimal("-0.0151"), Decimal("0.1250").quantize(Decimal("0.0001"))]
    given = [number.quantize(Decimal(1).scaleb(-scale)) for number in (*tenths, *large, *close)]
    with duckdb.connect() as d:
        d.execute(f"create table given (place integer, amount decimal(28, {scale}))")
        values = ", ".join(f"({place}, {amount})" for place, amount in enumerate(given))
        d.execute(f"insert into given values {values}")
        rounded = d.execute(
            compiled("select {{ round_money('amount') }} as rounded from given order by place")
        ).fetchall()
    assert [row[0] for row in rounded] == [n.quantize(Decimal("0.01"), ROUND_HALF_EVEN) for n in given]
