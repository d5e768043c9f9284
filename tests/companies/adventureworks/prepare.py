"""Make the second company's input from Microsoft's AdventureWorks sample.

The sample keeps prices and costs with the products; a shop's export has them on the order line, so
they are joined in here. People's names, birth dates and addresses stay behind: no test needs them.

    python tests/companies/adventureworks/prepare.py FOLDER     # FOLDER holds adventureworks/*.parquet
"""

import gzip
import hashlib
import sys
from pathlib import Path

import duckdb

HERE = Path(__file__).parent
YEARS = (2017, 2018, 2019)

CUSTOMERS = """
    select
        CustomerKey as customer_key,
        Occupation as occupation,
        EducationLevel as education_level,
        AnnualIncome as annual_income,
        HomeOwner as home_owner
    from read_parquet($customers, file_row_number = true)
    order by file_row_number
"""

ORDERS = """
    select
        OrderNumber as order_number,
        OrderLineItem as order_line,
        OrderDate as order_date,
        CustomerKey as customer_key,
        ProductKey as product_key,
        OrderQuantity as quantity,
        cast(ProductPrice as decimal(18, 4)) as unit_price,
        cast(ProductCost as decimal(18, 4)) as unit_cost
    from read_parquet($sales, file_row_number = true) as sales
    left join read_parquet($products) as products using (ProductKey)
    order by sales.file_row_number
"""


def main(public: Path, into: Path = HERE / "data") -> None:
    """Write customers and one order file a year into `into` and print their fingerprints."""
    sample = public / "adventureworks"
    products = str(sample / "AdventureWorks_Products.parquet")
    written = [write(into / "customers.csv", CUSTOMERS, customers=str(sample / "AdventureWorks_Customers.parquet"))]
    for year in YEARS:
        sales = str(sample / f"AdventureWorks_Sales_{year}.parquet")
        plain = write(into / f"orders/orders_{year}.csv", ORDERS, sales=sales, products=products)
        written.append(pack(plain))
    for path in written:
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(into).as_posix())


def write(path: Path, select: str, **parameters: str) -> Path:
    """Write the rows of an ordered select as a CSV file with a header, empty for null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.connect().execute(f"copy ({select}) to $path (format csv, header)", parameters | {"path": str(path)})
    return path


def pack(plain: Path) -> Path:
    """Replace a file by its gzip, without the name and time that would differ at every run."""
    packed = plain.with_name(f"{plain.name}.gz")
    with packed.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
        file.write(plain.read_bytes())
    plain.unlink()
    return packed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
