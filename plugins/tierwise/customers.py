"""Which customer somebody means: by customer_key, `source:customer_id`, or an id that only one customer has."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tierwise.errors import ConfigurationRefused

if TYPE_CHECKING:
    import duckdb

_LISTED = 10


@dataclass(frozen=True)
class Meant:
    """A customer as somebody named them, and one of the source ids that they have."""

    customer_key: str
    source: str
    customer_id: str

    @property
    def name(self) -> str:
        return f"{self.source}:{self.customer_id}"


def meant(marts: duckdb.DuckDBPyConnection, customer: str) -> Meant:
    """The customer of a release (a connection to its marts). ConfigurationRefused where it is nobody, or several."""
    asked = plain(customer)
    found = marts.execute(
        """
        select customer_key, source, customer_id
        from marts.dim_customer_ids
        where customer_key = $1 or customer_id = $1 or source || ':' || customer_id = $1
        order by source, customer_id
        """,
        [asked],
    ).fetchall()
    people = [Meant(*row) for row in found]
    keys = {one.customer_key for one in people}
    if len(keys) == 1:
        return people[0]
    if keys:
        raise ConfigurationRefused(
            f"{asked!r} may be {len(keys)} customers: {', '.join(one.name for one in people[:_LISTED])}.",
            hint="ask with the source in front, as listed",
        )
    near = marts.execute(
        """
        select source || ':' || customer_id as near
        from marts.dim_customer_ids
        order by
            least(levenshtein(customer_id, $1), levenshtein(source || ':' || customer_id, $1)), source, customer_id
        limit 5
        """,
        [asked],
    ).fetchall()
    raise ConfigurationRefused(
        f"no customer is called {asked!r} in the current release.",
        hint=f"the nearest are {', '.join(name for (name,) in near)}" if near else "the release holds no customers",
    )


def plain(text: str) -> str:
    """An id as a person typed it, without outer blanks and in one form of Unicode."""
    return unicodedata.normalize("NFC", text.strip())
