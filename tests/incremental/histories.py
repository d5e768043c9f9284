"""Generated histories: what some customers did, and in which night each version of it arrived."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Night = dict[str, list[Row]]  # stream -> the rows of its log that this night accepts

FIRST_ORDERS = date(2021, 9, 1)
FIRST_INTERACTION = date(2024, 1, 1)
NEW_RATES = date(2024, 6, 1)
LATE = 400  # days, at most
WINDOW_ENDS = (0, 1, 89, 90, 364, 365, 366, 729, 730, 731)
AMOUNTS = [Decimal(a) for a in ("0.01", "9.99", "25", "60", "100.50", "999.99")]
FACTS = ("headcount", "spend", "headcount", "revenue")
ATTRIBUTES = {"subject_type": ("company", "person"), "industry": ("Trade", "Care"), "region": ("North", "South")}


class Arrivals:
    """Puts every version into the night that accepts it, with the day it counts as known from."""

    def __init__(self, nights: Sequence[date]) -> None:
        self.nights = nights
        self.by_night: list[Night] = [defaultdict(list) for _ in nights]

    def add(
        self, stream: str, rows: list[Row], *, of: str, on: date, claims: bool, updated_at: datetime | None
    ) -> None:
        """The rows of one version of `of`, delivered on a day; what comes after the last night never comes."""
        night = bisect_left(self.nights, on)
        if night == len(self.nights):
            return
        before = self.nights[night - 1] if night else date.min
        claimed = min(on, self.nights[night]) if claims else None
        known = claimed if claimed and claimed > before else self.nights[night]
        log = self.by_night[night][stream]
        version = f"{of}|{night}|{len(log)}"
        for row in rows:
            log.append(
                {
                    "source": "shop",
                    "delivery_id": f"{stream}-{night}",
                    "row_number": len(log) + 1,
                    "known_on": known,
                    "claimed_on": claimed,
                    "version_of": of,
                    "version_id": version,
                    "version_updated_at": updated_at,
                    "updated_at": updated_at,
                    "accepted_order": night + 1,
                    **row,
                }
            )


def nights_of(seed: int, cases: int, nights: Sequence[date]) -> list[Night]:
    """The log that each night adds: `cases` histories, told apart by their customers' names."""
    arrivals = Arrivals(nights)
    _Rates(random.Random(seed), "rates", arrivals).tell()
    for case in range(cases):
        _History(random.Random(seed * 100_003 + case), f"h{case}", arrivals).tell()
    return arrivals.by_night


class _History:
    """One history: the customers and products of a case, and what is delivered about them."""

    def __init__(self, r: random.Random, name: str, arrivals: Arrivals) -> None:
        self.r, self.name, self.arrivals = r, name, arrivals
        self.span = (arrivals.nights[-1] - FIRST_ORDERS).days
        # days on which windows end, and years, are where carrying on goes wrong
        self.edges = [night - timedelta(days=d) for night in arrivals.nights for d in WINDOW_ENDS]
        self.customers = [f"{name}-c{n}" for n in range(r.randint(1, 3))]
        self.products = [f"{name}-p{n}" for n in range(2)]
        self.sales: list[tuple[str, date]] = []

    def tell(self) -> None:
        for customer in self.customers[: self.r.randint(0, 3)]:
            self.deliver("customers", customer, lambda c=customer: self.record(c), self.some_day())
        for product in self.products[: self.r.randint(0, 2)]:
            self.deliver("products", product, lambda p=product: self.product(p), self.some_day())
        for n in range(self.r.randint(1, 9)):
            self.order(f"{self.name}-o{n}")
        for n in range(self.r.randint(0, 3)):
            call, on = f"{self.name}-i{n}", max(self.some_day(), FIRST_INTERACTION)
            self.deliver("interactions", call, lambda c=call, on=on: self.interaction(c, on), self.arrives(on))
        for n in range(self.r.randint(0, 3)):
            payment, due = f"{self.name}-y{n}", self.some_day()
            self.deliver("payments", payment, lambda p=payment, on=due: self.payment(p, on), self.arrives(due))
        for n in range(self.r.randint(0, 2)):
            judged, begins = f"{self.name}-a{n}", self.some_day()
            arrives = self.arrives(begins)
            self.deliver("customer_assessments", judged, lambda a=judged, on=begins: self.assessment(a, on), arrives)
        for n in range(self.r.randint(0, 4)):
            what, whose, begins = FACTS[n], self.customers[n % len(self.customers)], self.some_day()
            of, arrives = f"{what}|{whose}|{begins}", self.arrives(begins)
            self.deliver("customer_facts", of, lambda w=what, c=whose, on=begins: self.fact(w, c, on), arrives)
        for n in range(self.r.randint(0, 2)):
            self.issue(f"{self.name}-t{n}")
        for n in range(self.r.randint(0, 3)):
            response, on = f"{self.name}-r{n}", self.some_day()
            self.deliver("survey_responses", response, lambda a=response, on=on: self.answer(a, on), self.arrives(on))

    def some_day(self) -> date:
        r = self.r
        return r.choice(self.edges) if r.random() < 0.5 else FIRST_ORDERS + timedelta(days=r.randrange(self.span))

    def arrives(self, happened: date) -> date:
        return happened + timedelta(days=self.r.choice((0, 0, 0, 0, 1, 2, 30, 100, LATE)))

    def deliver(self, stream: str, of: str, version: Callable[[], list[Row]], on: date) -> None:
        """Up to three versions, each delivered later than the last; some with a clock of their own, in any order."""
        r, first = self.r, on
        own_clock, claims = r.random() < 0.4, r.random() < 0.5
        for _ in range(r.choice((1, 1, 1, 2, 2, 3))):
            at = datetime.combine(first + timedelta(days=r.randint(0, 500)), self.some_time()) if own_clock else None
            self.arrivals.add(stream, version(), of=of, on=on, claims=claims, updated_at=at)
            on += timedelta(days=r.choice((0, 1, 10, 91, 366)))

    def order(self, order: str) -> None:
        """A sale, or something that undoes one: named or not, known before it or after."""
        r, happened = self.r, self.some_day()
        undone = r.choice(self.sales) if self.sales and r.random() < 0.3 else None
        if undone is None:
            self.sales.append((order, happened))
        elif r.random() < 0.7:
            happened = undone[1] + timedelta(days=r.randint(0, 40))
        self.deliver("orders", order, lambda: self.lines(order, happened, undone), self.arrives(happened))

    def lines(self, order: str, happened: date, undone: tuple[str, date] | None) -> list[Row]:
        r = self.r
        kind = r.choice(("refund", "cancel")) if undone else r.choice(("sale",) * 6 + ("pending",))
        moved = happened + timedelta(days=r.choice((0,) * 8 + (1, -1, 3)))
        return [
            {
                "order_id": order,
                "line_id": str(line),
                "customer_id": r.choice(self.customers) if r.random() < 0.1 else self.customers[0],
                "ordered_at": datetime.combine(moved, self.some_time()),
                "amount": r.choice(AMOUNTS) * (-1 if undone else 1),
                "currency": r.choice(("GBP",) * 5 + ("EUR",)),
                "kind": kind,
                "quantity": Decimal(r.choice((1, 2, 3, 12, 150))),
                "list_price": r.choice((None, None, *AMOUNTS)),
                "product_id": r.choice((*self.products, None)),
                "cost_amount": r.choice((None, None, *AMOUNTS)),
                "discount_amount": r.choice((None, None, Decimal("0.01"))),
                "is_rush": r.choice((None, True)),
                "original_order_id": undone[0] if undone and r.random() < 0.8 else None,
            }
            for line in r.sample(range(3), r.randint(1, 3))
        ]

    def record(self, customer: str) -> list[Row]:
        return [{"customer_id": customer, **{a: self.r.choice(values) for a, values in ATTRIBUTES.items()}}]

    def product(self, product: str) -> list[Row]:
        return [
            {
                "product_id": product,
                "unit_cost": self.r.choice(AMOUNTS),
                "list_price": self.r.choice(AMOUNTS),
                "category": self.r.choice("AB"),
                "is_premium": self.r.choice((None, False, True)),
            }
        ]

    def interaction(self, call: str, on: date) -> list[Row]:
        return [
            {
                "interaction_id": call,
                "customer_id": self.r.choice((*self.customers, f"{self.name}-nobody")),
                "occurred_at": datetime.combine(on, self.some_time()),
                "kind": self.r.choice(("call", "complaint", "referral")),
            }
        ]

    def issue(self, issue: str) -> None:
        """Events of one issue, which may be handed over, and opened again."""
        r, on = self.r, max(self.some_day(), FIRST_INTERACTION)
        for n, status in enumerate(("opened", "responded", "resolved", "reopened", "closed")[: r.randint(1, 5)]):
            on += timedelta(days=r.choice((0, 1, 7, 8, 31)) if n else 0)
            event = f"{issue}|{n}"
            self.deliver(
                "issue_events", event, lambda i=issue, n=n, s=status, on=on: self.event(i, n, s, on), self.arrives(on)
            )

    def event(self, issue: str, number: int, status: str, on: date) -> list[Row]:
        return [
            {
                "issue_id": issue,
                "event_number": str(number),
                "customer_id": self.r.choice((*self.customers * 3, f"{self.name}-nobody")),
                "occurred_at": datetime.combine(on, self.some_time()),
                "status": status,
                "severity": self.r.choice((None, "low", "high", "critical")),
            }
        ]

    def payment(self, payment: str, due: date) -> list[Row]:
        paid = due + timedelta(days=self.r.choice((-3, 0, 1, 40)))
        return [
            {
                "payment_id": payment,
                "customer_id": self.r.choice(self.customers),
                "amount": self.r.choice(AMOUNTS),
                "currency": self.r.choice(("GBP", "GBP", "EUR")),
                "issued_on": self.r.choice((None, due - timedelta(days=30))),
                "due_on": due,
                "paid_at": datetime.combine(paid, self.some_time()) if self.r.random() < 0.7 else None,
            }
        ]

    def assessment(self, assessment: str, begins: date) -> list[Row]:
        ends = begins + timedelta(days=self.r.choice((0, 30, 200)))
        return [
            {
                "assessment_id": assessment,
                "customer_id": self.r.choice(self.customers),
                "criterion": self.r.choice(("strategic", "reference")),
                "points": Decimal(self.r.choice((0, 40, 75))),
                "assessor": "anna",
                "from": begins,
                "until": self.r.choice((ends, None)),
            }
        ]

    def fact(self, what: str, customer: str, begins: date) -> list[Row]:
        value = Decimal(self.r.choice((0, 8, 400, 2500)))
        return [{"fact": what, "customer_id": customer, "from": begins, "value": value}]

    def answer(self, response: str, on: date) -> list[Row]:
        return [
            {
                "response_id": response,
                "question_id": self.r.choice(("q1", "q2")),
                "customer_id": self.r.choice(self.customers),
                "respondent_id": self.r.choice(("anna", None)),
                "instrument": "csat",
                "score": self.r.choice((None, Decimal(1), Decimal(3), Decimal(5))),
                "scale_min": Decimal(1),
                "scale_max": Decimal(5),
                "dimension": self.r.choice((None, "price")),
                "answered_at": datetime.combine(on, self.some_time()),
            }
        ]

    def some_time(self) -> time:
        return time(self.r.randrange(24), self.r.randrange(60))


class _Rates(_History):
    """What the company says serving costs and other money is worth, of all histories alike: what serving costs from the
    beginning, and some of it otherwise later; rates of exchange day by day, some late, some corrected, some never."""

    def tell(self) -> None:
        for n in range(0, self.span, 20):
            starts = FIRST_ORDERS + timedelta(days=n + self.r.randrange(20))
            if self.r.random() < 0.8:
                self.deliver("exchange_rates", f"EUR|{starts}", lambda d=starts: self.euro(d), self.arrives(starts))
        for industry in ATTRIBUTES["industry"]:
            for starts in sorted({self.some_day() for _ in range(4)}):
                of = f"{industry}|{starts}"
                self.deliver(
                    "industry_outlook", of, lambda i=industry, d=starts: self.outlook(i, d), self.arrives(starts)
                )
        for activity in ("call", "complaint", "order", "rush_order", "refund", "credit_day"):
            for starts in sorted({FIRST_ORDERS, self.some_day(), self.some_day()}):
                for on in (FIRST_ORDERS, NEW_RATES)[: self.r.randint(1, 2)]:
                    of = f"{activity}|{starts}"
                    rows = [self.rate(activity, starts)]
                    self.arrivals.add("activity_rates", rows, of=of, on=on, claims=False, updated_at=None)

    def euro(self, starts: date) -> list[Row]:
        rate = Decimal(self.r.randrange(80_000_000, 90_000_000)) / 10**8
        return [{"currency": "EUR", "from": starts, "rate": rate}]

    def outlook(self, industry: str, starts: date) -> list[Row]:
        return [{"industry": industry, "from": starts, "growth": Decimal(self.r.randrange(-5, 15)) / 100}]

    def rate(self, activity: str, starts: date) -> Row:
        sensitivity = self.r.choice((None, Decimal("0.25")))
        return {
            "activity": activity,
            "from": starts,
            "unit_cost": self.r.choice(AMOUNTS[:4]),
            "sensitivity": sensitivity,
        }
