"""The door in, against one statement that asks the same of the same rows, and Great Expectations on pandas."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import company, frame, homes
from benchmarks.company import LAST_DAY
from benchmarks.frame import Aim, Case, Contestant, Size
from benchmarks.measure import Watch

# By the names that the suites give their checks: when a line does not pass.
_CHECKS = {
    "negative_order:amount": "kind = 'sale' and amount < 0",
    "sign_ambiguous:amount": "kind in ('refund', 'cancel') and amount > 0",
    "sign_conflict:quantity": "quantity < 0 and amount > 0",
    "amount_out_of_range:amount": "abs(amount) > 100000000",
    "future_date:ordered_at": "ordered_at >= allowed_until",
    "date_too_old:ordered_at": "ordered_at < date '1990-01-01'",
    "arithmetic:discount_amount": "abs(discount_amount) > abs(list_price * quantity)",
    "arithmetic:tax_amount": "kind = 'sale' and tax_amount < 0",
    "arithmetic:cost_amount": "kind = 'sale' and cost_amount < 0",
    "zero_amount_sale": "kind = 'sale' and amount = 0",
    "refund_with_positive_quantity": "kind in ('refund', 'cancel') and quantity > 0 and amount < 0",
    "after_the_day_ended": "ordered_at >= day_ends_at and ordered_at < allowed_until",
}


def case(size: Size) -> Case:
    return Case(
        name="door_in",
        title="The door in",
        measures=f"`quality.door_in` of what conform left of the backlog: {len(_CHECKS)} checks of every line, the"
        " failing rows named for quarantine. One hand-written statement asks the same and names the same rows; Great"
        " Expectations on pandas counts them, its loading of the rows included. Imports are not counted.",
        size=f"{size.lines:,} order lines",
        lay=partial(_lay, size.lines),
        contestants=(
            Contestant("ours", ours, ready=_ready),
            Contestant("SQL by hand", sql_by_hand, ready=_ready),
            Contestant("Great Expectations on pandas", gx_on_pandas, ready=_ready, rounds=1),
        ),
        aims=(
            Aim("three times the statement by hand", "ours", "SQL by hand", at_most=3),
            Aim("peak memory in MiB", "ours", what="peak_mib", at_most=2048),
        ),
        same=(("ours", "SQL by hand", "Great Expectations on pandas"),),
    )


def _lay(lines: int, folder: Path) -> None:
    (folder / "accepted").symlink_to(homes.accepted(folder.parent, lines))


def _ready(folder: Path) -> None:
    company.copy((folder / "accepted").resolve(), folder / "home")


def _conformed(folder: Path) -> list[Path]:
    run = (folder / "home" / "run").read_text()
    rows = (folder / "home" / "var" / "work" / run / "conformed").glob("orders-*.parquet")
    return sorted(file for file in rows if len(file.suffixes) == 1)


def ours(folder: Path, watch: Watch) -> Path:
    company.enter(folder / "home")
    import great_expectations  # noqa: F401

    from tierwise import configuration, quality

    doors = [
        quality.AtTheDoor(file.stem, "shop", "orders", file, LAST_DAY, frame.rows_of(file), None, accepted_anyway=False)
        for file in _conformed(folder)
    ]
    with watch:
        verdicts = quality.door_in(doors, configuration.company(), folder / "home" / "gate.duckdb")
    told = [(finding.check, finding.count) for verdict in verdicts for finding in verdict.warnings + verdict.refusals]
    with frame.engine(folder / "ours.duckdb") as d:
        listed = ", ".join(f"'{verdict.failing}'" for verdict in verdicts)
        failing = f"select reason_code || ':' || column_name, count(*) from read_parquet([{listed}]) group by all"
        return _keep([*d.execute(failing).fetchall(), *told], folder / "ours.parquet")


def _rows(folder: Path) -> str:
    """The lines as they stand at the door, each with the moment at which its known day ends."""
    files = ", ".join(f"'{file}'" for file in _conformed(folder))
    ends = "timezone('UTC', timezone('Asia/Shanghai', cast(claimed_on + 1 as timestamp)))"
    return f"""
        select r.*, day_ends_at, day_ends_at + to_minutes(60) as allowed_until
        from read_parquet([{files}], filename = true) as r
        join (
            select distinct claimed_on, {ends} as day_ends_at from read_parquet([{files}])
        ) as days on days.claimed_on = r.claimed_on
        where left_out_because is null"""


def sql_by_hand(folder: Path, watch: Watch) -> Path:
    found = ", ".join(f"case when {condition} then '{name}' end" for name, condition in _CHECKS.items())
    any_of_them = " or ".join(f"coalesce({condition}, false)" for condition in _CHECKS.values())
    failing = folder / "failing.parquet"
    with frame.engine(folder / "by_hand.duckdb") as d:
        with watch:
            d.execute(
                f"copy (select filename, row_number, unnest([{found}]) as check_name from ({_rows(folder)})"
                f" where {any_of_them}) to '{failing}'"
            )
        counted = f"select check_name, count(*) from '{failing}' where check_name is not null group by all"
        return _keep(d.execute(counted).fetchall(), folder / "by_hand.parquet")


def gx_on_pandas(folder: Path, watch: Watch) -> Path:
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.data_context.types import base

    with frame.engine(folder / "pandas.duckdb") as d, watch:
        lines = d.execute(f"from ({_rows(folder)})").df()
        lines["discount_size"] = lines["discount_amount"].abs()
        lines["list_size"] = (lines["list_price"] * lines["quantity"]).abs()
        sale, undone = {"row_condition": 'kind == "sale"'}, {"row_condition": 'kind in ["refund", "cancel"]'}
        parsed = {"condition_parser": "pandas"}
        either = {"ignore_row_if": "either_value_is_missing"}
        between, pair = gxe.ExpectColumnValuesToBeBetween, gxe.ExpectColumnPairValuesAToBeGreaterThanB
        asked: dict[str, Any] = {
            "negative_order:amount": between(column="amount", min_value=0, **sale, **parsed),
            "sign_ambiguous:amount": between(column="amount", max_value=0, **undone, **parsed),
            "sign_conflict:quantity": between(column="amount", max_value=0, row_condition="quantity < 0", **parsed),
            "amount_out_of_range:amount": between(column="amount", min_value=-1e8, max_value=1e8),
            "future_date:ordered_at": pair(column_A="allowed_until", column_B="ordered_at", **either),
            "date_too_old:ordered_at": pair(column_A="ordered_at", column_B="oldest", or_equal=True, **either),
            "arithmetic:discount_amount": pair(column_A="list_size", column_B="discount_size", or_equal=True, **either),
            "arithmetic:tax_amount": between(column="tax_amount", min_value=0, **sale, **parsed),
            "arithmetic:cost_amount": between(column="cost_amount", min_value=0, **sale, **parsed),
            "zero_amount_sale": gxe.ExpectColumnValuesToNotBeInSet(column="amount", value_set=[0], **sale, **parsed),
            "refund_with_positive_quantity": between(
                column="quantity", max_value=0, row_condition=undone["row_condition"] + " and amount < 0", **parsed
            ),
            "after_the_day_ended": pair(
                column_A="day_ends_at",
                column_B="ordered_at",
                row_condition="ordered_at < allowed_until",
                **parsed,
                **either,
            ),
        }
        lines["oldest"] = lines["ordered_at"].dtype.type("1990-01-01")
        settled = base.DataContextConfig(
            store_backend_defaults=base.InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=base.ProgressBarsConfig(globally=False, metric_calculations=False),
        )
        context = gx.get_context(mode="ephemeral", project_config=settled)
        asset = context.data_sources.add_pandas("door").add_dataframe_asset("lines")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": lines})
        counts = {}
        for name, expectation in asked.items():
            answer = batch.validate(expectation, result_format="BASIC")
            counts[name] = answer.result["unexpected_count"]
    return _keep(counts.items(), folder / "pandas.parquet")


def _keep(counts: Iterable[tuple[str, int]], file: Path) -> Path:
    """How many lines failed which check, over all deliveries; those that none failed are left out."""
    with frame.engine(file.with_suffix(".counts.duckdb")) as d:
        d.execute("create table counts (check_name varchar, failing bigint)")
        d.executemany("insert into counts values (?, ?)", [(name, int(count)) for name, count in counts])
        d.execute(
            "copy (select check_name, sum(failing)::bigint as failing from counts where failing > 0 group by all)"
            f" to '{file}'"
        )
    return file
