"""SQL that people write in a source's entry: one expression over its row, or one select, and nothing that can surprise."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tierwise import configuration
from tierwise.settings import settings

if TYPE_CHECKING:
    from sqlglot import exp

DELIVERED = "delivered"

# What stands before a bracket in SQL without being a function, and what SQL writes like a function.
_NO_FUNCTION = {
    "in",
    "and",
    "or",
    "not",
    "when",
    "then",
    "else",
    "case",
    "between",
    "like",
    "ilike",
    "is",
    "as",
    "on",
    "where",
    "select",
    "from",
    "by",
    "using",
    "over",
    "filter",
    "values",
    "all",
    "with",
    "union",
    "having",
    "distinct",
    "decimal",
    "numeric",
    "varchar",
    "unpivot",
    "join",
    "for",
    "end",
    "limit",
    "except",
    "intersect",
    "glob",
}
_SYNTAX = {
    "cast",
    "try_cast",
    "coalesce",
    "extract",
    "trim",
    "substring",
    "position",
    "nullif",
    "if",
    "ifnull",
    "overlay",
}
_MACROS = {"split_part", "date_add", "list_append", "array_append"}
_NOT_OURS = {
    "current_setting",
    "getvariable",
    "version",
    "getenv",
    "in_search_path",
    "current_schemas",
    "error",
    "age",
    "current_query",
    "current_database",
    "current_schema",
    "setseed",
    "write_log",
    "sleep_ms",
    "try",
}
_CLOCKS = re.compile(r"(?i)^(current_date|current_time|current_timestamp|localtime|localtimestamp|current_user|user)$")


@cache
def _functions(kind: Literal["scalar", "aggregate"]) -> frozenset[str]:
    """DuckDB's own list of the functions that give the same answer for the same arguments, always."""
    import duckdb

    with duckdb.connect() as d:
        found = d.execute(
            "select distinct function_name from duckdb_functions()"
            f" where function_type = '{kind}' and stability = 'CONSISTENT'"
        ).fetchall()
    return frozenset(name for (name,) in found) - _NOT_OURS


def fragment_problems(sql: str) -> list[str]:
    """What a fragment may not be. It may be one expression over the raw columns of its row, and nothing else."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.dialects.duckdb import DuckDB
    from sqlglot.errors import SqlglotError
    from sqlglot.tokens import TokenType

    shown = sql.strip()[:80]
    if len(sql) > 10_000:
        return ["an expression of more than 10,000 characters belongs into a `sql_file`."]
    try:
        statements = sqlglot.parse(f"select {sql}", read="duckdb")
    except (SqlglotError, RecursionError) as why:
        return [f"`{shown}` is no SQL expression: {_first_error(why)}."]
    one = statements[0] if len(statements) == 1 else None
    if not isinstance(one, exp.Select) or len(one.expressions) != 1 or len([a for a in one.args.values() if a]) != 1:
        return [f"`{shown}` is not one expression."]
    tokens = DuckDB().tokenize(sql)
    fragment = one.expressions[0]
    beside = {
        "is not one expression; leave the semicolon out.": any(t.token_type == TokenType.SEMICOLON for t in tokens),
        "has a comment; write it behind a # of the YAML.": any(t.comments for t in tokens),
        f"names its result; leave `as {fragment.alias}` out.": isinstance(fragment, exp.Alias),
    }
    if any(beside.values()):
        return [f"`{shown}` {told}" for told, found in beside.items() if found]
    return _beyond_its_row(fragment, shown) + _function_problems(
        sql, fragment, _functions("scalar") | _SYNTAX | _MACROS
    )


def _beyond_its_row(fragment: exp.Expression, shown: str) -> list[str]:
    from sqlglot import exp

    problems = []
    if fragment.find(exp.Query, exp.Exists):
        problems.append(f"`{shown}` has a subquery; an expression sees only its own row.")
    if fragment.find(exp.Window):
        problems.append(f"`{shown}` has a window; an expression sees only its own row.")
    if fragment.find(exp.Star, exp.Parameter, exp.Placeholder):
        problems.append(f"`{shown}` has a `*`, `$` or `?` that is no operator.")
    if any(c.table for c in fragment.find_all(exp.Column)):
        problems.append(f"`{shown}` names a table; write the column alone, in double quotes where its name has a dot.")
    return problems


def fragment_columns(sql: str) -> set[str]:
    """The raw columns that a fragment names."""
    import sqlglot
    from sqlglot import exp

    return {c.name for c in sqlglot.parse_one(f"select {sql}", read="duckdb").find_all(exp.Column)}


def _function_problems(sql: str, tree: exp.Expression, allowed: frozenset[str]) -> list[str]:
    from sqlglot import exp
    from sqlglot.dialects.duckdb import DuckDB
    from sqlglot.tokens import TokenType

    tokens = DuckDB().tokenize(sql)
    called = {
        t.text
        for t, following in pairwise(tokens)
        if following.token_type == TokenType.L_PAREN
        and re.match(r"\w", t.text)
        and t.token_type != TokenType.STRING
        and not t.text[0].isdigit()
    }
    problems = []
    for name in sorted(called):
        if name.lower() in _NO_FUNCTION or name.lower() in allowed:
            continue
        meant = configuration.nearest(name, allowed)
        problems.append(
            f"the function `{name}` is not allowed: only functions that give the same answer for the same row, on any day."
            + (f" Did you mean `{meant}`?" if meant and meant.startswith(name[:1].lower()) else "")
        )
    clocks = {c.name for c in tree.find_all(exp.Column) if _CLOCKS.match(c.name)}
    clocks |= {
        type(n).__name__ for n in tree.find_all(exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentUser)
    }
    if clocks:
        problems.append(
            "an expression may not ask for the time or the user: the same row must give the same answer on any day."
        )
    return problems


def _first_error(why: Exception) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(why)).split("\n")[0]
    return "a part is missing" if "<class" in text else re.sub(r"\. Line \d+, Col: \d+\.?$", "", text).rstrip(".")


def read_select(sql_file: str) -> str:
    """The text of an entry's `sql_file`, a path below `config/`."""
    return (settings().config / sql_file).read_text("utf-8-sig").strip().rstrip(";")


def select_problems(sql_file: str) -> list[str]:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    path: Path = settings().config / sql_file
    try:
        sql = read_select(sql_file)
    except (OSError, UnicodeDecodeError):
        return [f"config/{sql_file} is missing or no UTF-8 text."]
    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except (SqlglotError, RecursionError) as why:
        return [f"config/{path.name} is no SQL: {_first_error(why)}."]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return [f"config/{sql_file} must be one `select`."]
    tree = statements[0]
    named = {cte.alias for cte in tree.find_all(exp.CTE)} | {DELIVERED}
    problems = [
        f"config/{sql_file} reads `{t.name or t.sql()}`; it may read `{DELIVERED}`, the delivered rows, and nothing else."
        for t in tree.find_all(exp.Table)
        if t.name not in named or t.args.get("db")
    ]
    allowed = _functions("scalar") | _functions("aggregate") | _SYNTAX | _MACROS | named | {"unnest"}
    return problems + [f"config/{sql_file}: {p}" for p in _function_problems(sql, tree, frozenset(allowed))]
