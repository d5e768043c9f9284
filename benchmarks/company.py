"""A made-up company of any size, with a home of its own: the same seed gives the same lines.

Who buys how often is drawn from a gamma distribution, for how much from a lognormal one; a third of the customers is
there from the start, the others come in over three years. Ten lines make four orders, one order of forty takes an
earlier one back, and a few lines are bad or odd. All of it comes out of hashes, in SQL, a delivery at a time.
"""

from __future__ import annotations

import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

from tierwise.settings import PROJECT, hand_over

SEED = 20250630
LAST_DAY = date(2025, 6, 30)  # of the backlog; nights follow
DAYS = 1096
NIGHT = LAST_DAY + timedelta(days=1)
LINES_A_CUSTOMER = 8  # of those who may buy; about one in three never does
LINES_A_DELIVERY = 1_000_000  # at least; a backlog is never more than ten
LINES_A_NIGHT = 5_000

_COMPANY = """\
name: {en: Made up, zh: 虚构公司}
currency: CNY
time_zone: Asia/Shanghai
limits: {volume_drop: 1, volume_rise: 1000000}   # after a backlog every night is small
"""
_SOURCES = """\
- name: shop
  required: true
  kind: files
  time_zone: Asia/Shanghai
  streams:
    orders:
      from: inbox/orders/*.parquet
      known_on: {from_name: "orders_%Y-%m-%d"}
      columns:
        order_id: order_id
        line_id: line_id
        customer_id: customer_id
        ordered_at: ordered_at
        amount: amount
        currency: {value: CNY}
        kind: kind
        original_order_id: original_order_id
        quantity: quantity
        unit_price: unit_price
        product_id: product_id
    products:
      from: inbox/products/*.parquet
      known_on: {from_name: "products_%Y-%m-%d"}
      columns:
        product_id: product_id
        name: name
        category: category
        unit_cost: unit_cost
"""


def lay(home: Path, lines: int) -> None:
    """A home that was never run: its configuration with the shipped pyramid, and `lines` order lines up to LAST_DAY."""
    for name, text in (("company", _COMPANY), ("sources", _SOURCES), ("tier_policies", _pyramid())):
        file = home / "config" / f"{name}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    lines_a_delivery = max(LINES_A_DELIVERY, -(-lines // 10))
    for first in range(0, lines, lines_a_delivery):
        last = min(first + lines_a_delivery, lines)
        day = LAST_DAY - timedelta(days=DAYS - 1 - (last - 1) * DAYS // lines)
        _deliver(home, day, lines, first, last)
    products = home / "inbox" / "products" / f"products_{LAST_DAY - timedelta(days=DAYS)}.parquet"
    products.parent.mkdir(parents=True)
    with duckdb.connect() as d:
        d.execute(f"copy ({_PRODUCTS}) to '{products}'")


def deliver_night(home: Path, lines: int, night: int = 1, lines_a_night: int = LINES_A_NIGHT) -> None:
    """The orders of a night after a backlog of `lines`. There are as many of them however long the backlog is."""
    first = lines + (night - 1) * lines_a_night
    _deliver(home, LAST_DAY + timedelta(days=night), lines, first, first + lines_a_night, lines_a_night)


def copy(home: Path, to: Path) -> None:
    """A home of its own to run nights in. What is written once is linked."""
    shutil.rmtree(to, ignore_errors=True)
    immutable = tuple(str(home / part) + os.sep for part in ("inbox", "var/lake", "var/release"))

    def link_or_copy(old: str, new: str) -> None:
        (os.link if old.startswith(immutable) else shutil.copy2)(old, new)

    shutil.copytree(home, to, symlinks=True, copy_function=link_or_copy)


def enter(home: Path) -> None:
    """From here on this process works on the company of `home`."""
    hand_over(TIERWISE_HOME=str(home))


def _pyramid() -> str:
    """The shipped one, without what tells apart equals: peers know no such thing."""
    shipped = yaml.safe_load((PROJECT / "config" / "tier_policies.yml").read_text())["pyramid"]
    del shipped["then_by"]
    return yaml.safe_dump({"pyramid": shipped}, allow_unicode=True, sort_keys=False)


_PRODUCTS = """
    select
        printf('P%04d', n) as product_id, printf('product %d', n) as name, printf('category %d', n % 20) as category,
        (5 + hash(n, 'cost') % 2000 / 100)::decimal(18, 2) as unit_cost
    from range(2000) as products (n)
"""


def _deliver(home: Path, day: date, backlog: int, first: int, last: int, lines_a_night: int = LINES_A_NIGHT) -> None:
    """Write lines `first` to `last` as the delivery of a day."""
    file = home / "inbox" / "orders" / f"orders_{day}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as d:
        d.execute(f"create macro uniform(n, what) as (hash(n, what, {SEED}) // 2048 + 0.5) / 9007199254740992.0")
        d.execute("create macro normal(n, what) as sqrt(-2 * ln(uniform(n, what))) * cos(2 * pi() * uniform(what, n))")
        d.execute(
            f"""
            create table customers as
            select n, sum(often) over (order by n) - often as bought_before, exp(4 + normal(n, 'spend')) as level
            from (select n, -ln(uniform(n, 'often')) as often from range({backlog // LINES_A_CUSTOMER}) as all_of_them (n))
            """
        )
        d.execute(f"copy ({_lines(backlog, first, last, lines_a_night)}) to '{file}'")


def _lines(backlog: int, first: int, last: int, lines_a_night: int) -> str:
    orders = backlog * 4 // 10
    return f"""
    with
    numbered as (
        select
            line,
            line // 10 * 4 + case when line % 10 < 1 then 0 when line % 10 < 3 then 1 when line % 10 < 6 then 2 else 3 end
                as number,
            line % 10 - [0, 1, 3, 6][1 + number % 4] as place,
            number % 40 = 0 and number > 0 as is_refund,
            case
                when is_refund
                    then number - 1 - 4 * (hash(number, 'undoes') % least(greatest(1, {orders} // 200), number // 4))::bigint
                else number
            end as bought_as
        from range({first}, {last}) as lines (line)
    ),
    drawn as (  -- who buys: more of the customers the later it is
        select
            *,
            case
                when number < {orders} then number * {DAYS} // {orders}
                else {DAYS} + (number - {orders}) // {lines_a_night * 4 // 10}
            end as day,
            uniform(bought_as, 'who') * (select max(bought_before) from customers)
            * (0.3 + 0.7 * least(bought_as * {DAYS} // {orders}, {DAYS}) / {DAYS}) as who
        from numbered
    ),
    priced as (
        select
            drawn.*,
            customers.n as customer,
            bought_as * 10 + place as item,
            (1 + hash(item, 'many') % 5)::integer as pieces,
            greatest(0.01, customers.level * exp(normal(item, 'price') / 2) / 5)::decimal(18, 2) as price
        from drawn
        asof join customers on drawn.who >= customers.bought_before
    )
    select
        printf('%s%09d', case when is_refund then 'R' else 'O' end, number) as order_id,
        (place + 1)::varchar as line_id,
        printf('C%08d', customer) as customer_id,
        date '{LAST_DAY}' - ({DAYS - 1} - day)::integer
        + to_seconds(8 * 3600 + (hash(number, 'when') % (14 * 3600))::bigint) as ordered_at,
        case when is_refund then 'refund' else 'sale' end as kind,
        case when is_refund then printf('O%09d', bought_as) end as original_order_id,
        case when is_refund and line % 1000 > 0 then -pieces else pieces end as quantity,
        price as unit_price,
        (pieces * price * case
            when is_refund or line % 10000 = 77 then -1
            when line % 10000 = 78 then 0
            else 1
        end)::decimal(18, 2) as amount,
        printf('P%04d', floor(2000 * pow(uniform(item, 'what'), 2))::integer) as product_id
    from priced
    order by line
    """
