"""Make the demo company's input from three public data sets.

No public set links orders, calls and survey answers of the same customers. The links made here are
invented, but by plain rules and without chance, so that everyone gets the same bytes.

    python sample_data/prepare.py FOLDER     # FOLDER holds the files named in PUBLIC_FILES
"""

import hashlib
import shutil
import sys
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import duckdb
from duckdb.sqltypes import DuckDBPyType

HERE = Path(__file__).parent

PUBLIC_FILES = {
    "order_lines": (
        "online_retail/online_retail.parquet",
        "17491365cb78f940ceece33d8482b5ce779762d1709f56a80373e1228cd56b30",
    ),
    "incident_events": (
        "incident_log/incident_event_log.parquet",
        "1b9630877ddeda19e57dc3daa3b076d58b94ea24e594ff7d54aa79a307df36d1",
    ),
    "survey": (
        "sfo_survey/2017_SFO_Customer_Survey_20250817.parquet",
        "340f2b7643762be2e409a4be4632cfff60b7fcb3c18e540c6f437922a23cb9cf",
    ),
}

# Whole weeks, so that a Monday stays a Monday.
INCIDENTS_SHIFT_DAYS = 232 * 7  # 2016-05-13, the last opening, becomes 2011-12-02
SURVEY_SHIFT_DAYS = 287 * 7  # 2017-05-30, the last answer, becomes 2011-11-29

# Shares no divisor with the number of customers: no customer answers twice, and the answers
# spread over the whole range of customer ids instead of its beginning.
SURVEY_STRIDE = 7

NOT_MERCHANDISE = [
    *("POST", "DOT", "C2", "M", "m", "S", "B", "D", "BANK CHARGES", "AMAZONFEE", "CRUK"),
    *(f"gift_0001_{pounds}" for pounds in (10, 20, 30, 40, 50)),
]

# The buying department enters a cost only after a product's first full month on sale.
COST_NOT_YET_ENTERED_FROM = "2011-11-01"

CUSTOMERS = """
    select
        replace(CustomerID, '.0', '') as customer_id,
        arg_min(Country, (InvoiceDate, file_row_number)) as country,
        cast(min(InvoiceDate) as date) as first_seen_on
    from order_lines
    where CustomerID is not null
    group by customer_id
    order by cast(customer_id as integer)
"""

PRODUCTS = """
    with lines as (
        select
            StockCode as stock_code,
            trim(Description) as description,
            cast(UnitPrice as decimal(12, 3)) as unit_price,
            InvoiceDate as invoiced_at,
            Quantity > 0 and UnitPrice > 0 as is_sale
        from order_lines
        where StockCode not in (select unnest($not_merchandise))
    ),

    -- The lower of the two middle prices where their number is even: a price somebody paid.
    products as (
        select
            stock_code,
            quantile_disc(unit_price, 0.5) filter (where is_sale) as unit_price,
            min(invoiced_at) filter (where is_sale) as first_sold_at
        from lines
        group by stock_code
    ),

    names as (
        select
            stock_code,
            description
        from lines
        where is_sale
        group by stock_code, description
        qualify row_number() over (partition by stock_code order by count(*) desc, description) = 1
    ),

    costs as (
        select
            products.stock_code,
            to_four_decimals(cast(products.unit_price * (1 - margins.margin) as decimal(18, 5))) as unit_cost
        from products
        inner join margins
            on products.unit_price >= margins.band_from
            and products.unit_price < coalesce(margins.band_to, 1000000)
        where products.first_sold_at < cast($cost_not_yet_entered_from as date)
    )

    select
        stock_code,
        description,
        unit_cost
    from products
    left join names using (stock_code)
    left join costs using (stock_code)
    order by stock_code
"""

# Two callers may be one customer, because there are more callers than customers.
SERVICE_DESK = """
    with openings as (
        select
            *,
            try_cast(replace(caller_id, 'Caller ', '') as integer) as caller_number
        from incident_events
        qualify row_number() over (partition by number order by file_row_number) = 1
    ),

    callers as (
        select
            caller_number,
            row_number() over (order by caller_number) - 1 as caller_rank
        from openings
        where caller_number is not null
        group by caller_number
    ),

    keys as (
        select
            callers.caller_number,
            numbered_customers.customer_id
        from callers
        inner join numbered_customers
            on callers.caller_rank % (select count(*) from numbered_customers) = numbered_customers.customer_rank
    )

    select
        number,
        caller_id,
        strftime(
            strptime(opened_at, '%d/%m/%Y %H:%M') - to_days($shift_days), '%-d/%-m/%Y %H:%M'
        ) as opened_at,
        contact_type,
        category,
        impact,
        priority,
        coalesce(customer_id, '?') as customer_id
    from openings
    left join keys using (caller_number)
    order by file_row_number
"""

# INTDATE is the day of the month alone. The weekday beside it (DAY) fits no month of 2017 but May.
SURVEY = """
    with respondents as (
        select
            *,
            row_number() over (order by cast(RESPNUM as integer)) - 1 as respondent_rank,
            make_date(2017, 5, cast(INTDATE as integer)) as interviewed_on
        from survey
    ),

    answers as (
        unpivot respondents on NETPRO, Q7ALL into name question_id value score
    )

    select
        answers.RESPNUM as response_id,
        answers.question_id,
        numbered_customers.customer_id,
        nullif(answers.score, '') as score,
        cast(answers.interviewed_on - to_days($shift_days) as date) as answered_on
    from answers
    inner join numbered_customers
        on answers.respondent_rank * $stride % (select count(*) from numbered_customers)
        = numbered_customers.customer_rank
    order by answers.respondent_rank, answers.question_id
"""


def main(public: Path, into: Path = HERE) -> None:
    """Write the demo's files into `into` and print their fingerprints."""
    con = duckdb.connect()
    con.create_function("to_four_decimals", to_four_decimals, ["decimal(18, 5)"], DuckDBPyType("decimal(18, 4)"))
    for name, (path, sha256) in PUBLIC_FILES.items():
        if fingerprint(public / path) != sha256:
            sys.exit(f"{public / path} is not the file the demo was made from (sha256 {sha256}).")
        con.read_parquet(str(public / path), file_row_number=True).create_view(name)
    con.read_csv(
        str(HERE / "margins.csv"),
        dtype={"band_from": "decimal(9, 2)", "band_to": "decimal(9, 2)", "margin": "decimal(3, 2)"},
    ).create_view("margins")
    con.execute(f"create table customers as {CUSTOMERS}")
    con.execute("""
        create table numbered_customers as
        select customer_id, row_number() over (order by cast(customer_id as integer)) - 1 as customer_rank
        from customers
    """)

    orders = into / "orders/online_retail.parquet"
    orders.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(public / PUBLIC_FILES["order_lines"][0], orders)
    written = [
        orders,
        write(con, into / "customers/customers.csv", CUSTOMERS),
        write(
            con,
            into / "products/products.csv",
            PRODUCTS,
            not_merchandise=NOT_MERCHANDISE,
            cost_not_yet_entered_from=COST_NOT_YET_ENTERED_FROM,
        ),
        write(con, into / "interactions/service_desk.csv", SERVICE_DESK, shift_days=INCIDENTS_SHIFT_DAYS),
        write(
            con,
            into / "surveys/passenger_survey_2017.csv",
            SURVEY,
            shift_days=SURVEY_SHIFT_DAYS,
            stride=SURVEY_STRIDE,
        ),
    ]
    for file in written:
        print(fingerprint(file), file.relative_to(into).as_posix())


def write(con: duckdb.DuckDBPyConnection, path: Path, select: str, **parameters: object) -> Path:
    """Write the rows of an ordered select as a CSV file with a header, empty for null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy ({select}) to $path (format csv, header)", parameters | {"path": str(path)})
    return path


def to_four_decimals(amount: Decimal) -> Decimal:
    """Round half to even without ever leaving decimals."""
    return amount.quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN)


def fingerprint(path: Path) -> str:
    """Give the sha256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
