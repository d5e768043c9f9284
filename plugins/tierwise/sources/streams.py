"""The canonical streams: the contract every source conforms to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "id_text", "text", "code", "money", "number", "rate", "integer", "timestamp", "date", "boolean", "currency"
]

DUCKDB_TYPES: dict[str, str] = {
    "id_text": "varchar",
    "text": "varchar",
    "code": "varchar",
    "currency": "varchar",
    "money": "decimal(18, 4)",
    "number": "decimal(18, 4)",
    "rate": "decimal(18, 8)",
    "integer": "bigint",
    "timestamp": "timestamp",  # UTC, always
    "date": "date",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class Column:
    """One canonical column. `required` columns are never null in the accepted log; `codes` closes a vocabulary.

    `missing` is the reason code of a row in which a required column is empty.
    """

    name: str
    kind: Kind
    required: bool = False
    codes: tuple[str, ...] = ()
    missing: str = "required_missing"


@dataclass(frozen=True)
class Stream:
    """A canonical stream. `key` (with `source`) names a row; `event_at` is the column that says when it happened.

    Rows that are `by_people` are written one by one: each is judged for itself, and a bad one stops no other. Nobody
    expects as many of them as usual.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event_at: str | None = None
    by_people: bool = False

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def log_columns(self) -> dict[str, str]:
        """The columns and types of its accepted log."""
        return {**LOG_COLUMNS, **{c.name: DUCKDB_TYPES[c.kind] for c in self.columns}}


def _c(
    name: str, kind: Kind = "text", *codes: str, required: bool = False, missing: str = "required_missing"
) -> Column:
    return Column(name, kind, required, codes, missing)


def _id(name: str) -> Column:
    """A part of a row's key."""
    return _c(name, "id_text", required=True, missing="id_missing")


# Ids that a source uses for customers may be another source's (a service desk that books on the shop's customer
# numbers): `customer_source` names whose they are. Null means the source's own.
_CUSTOMER = (
    _c("customer_id", "id_text", required=True, missing="customer_missing"),
    _c("customer_source", "id_text"),
)

# What is done for a customer and costs something: every kind of interaction, what orders bring with them, and credit, of
# which one is a day on which 1,000 are owed.
_INTERACTION_KINDS = (
    *("inquiry", "complaint", "visit", "call", "email", "ticket"),
    *("return", "referral", "praise", "suggestion", "other"),
)
_OTHER_ACTIVITIES = ("order", "rush_order", "refund", "credit_day")

# What a company is like itself, whatever it buys here.
_CUSTOMER_FACTS = ("headcount", "revenue", "market_share", "spend")

STREAMS: dict[str, Stream] = {
    s.name: s
    for s in (
        Stream(
            "customers",
            ("customer_id",),
            (
                _CUSTOMER[0],
                _c("name"),
                _c("former_names"),
                _c("subject_type", "code", "company", "person"),
                _c("parent_customer_id", "id_text"),
                _c("industry"),
                _c("region"),
                _c("company_size"),
                _c("email"),
                _c("phone"),
                _c("wechat_id"),
                _c("tax_id"),
                _c("channel"),
                _c("account_manager_id", "id_text"),
                _c("preferred_channel"),
                _c("do_not_contact", "boolean"),
                _c("consent"),
                _c("created_at", "timestamp"),
                _c("updated_at", "timestamp"),
            ),
        ),
        Stream(
            "orders",
            ("order_id", "line_id"),
            (
                _id("order_id"),
                _id("line_id"),
                *_CUSTOMER,
                _c("ordered_at", "timestamp", required=True),
                _c("amount", "money", required=True),
                _c("currency", "currency", required=True),
                _c("kind", "code", "sale", "refund", "cancel", "pending", required=True),
                _c("status"),
                _c("original_order_id", "id_text"),
                _c("quantity", "number"),
                _c("unit_price", "money"),
                _c("list_price", "money"),
                # what is given on top of what `amount` has in it already (a rebate paid later); who gave it on the
                # invoice says so by `list_price` alone
                _c("discount_amount", "money"),
                _c("tax_amount", "money"),
                _c("cost_amount", "money"),
                _c("product_id", "id_text"),
                _c("category"),
                _c("channel"),
                _c("sales_rep_id", "id_text"),
                _c("is_rush", "boolean"),
                _c("updated_at", "timestamp"),
            ),
            event_at="ordered_at",
        ),
        Stream(
            "interactions",
            ("interaction_id",),
            (
                _id("interaction_id"),
                *_CUSTOMER,
                _c("occurred_at", "timestamp", required=True),
                _c("kind", "code", *_INTERACTION_KINDS, required=True),
                _c("channel"),
                _c("direction", "code", "inbound", "outbound"),
                _c("duration_seconds", "number"),
                _c("agent_id", "id_text"),
                _c("topic"),
                _c("sentiment"),
                _c("referral_customer_id", "id_text"),
                _c("text"),
                _c("updated_at", "timestamp"),
            ),
            event_at="occurred_at",
        ),
        Stream(
            "issue_events",
            ("issue_id", "event_number"),
            (
                _id("issue_id"),
                _id("event_number"),
                *_CUSTOMER,
                _c("occurred_at", "timestamp", required=True),
                # what the event brought the issue to; `responded` is an answer to the customer
                _c(
                    "status",
                    "code",
                    "opened",
                    "responded",
                    "waiting",
                    "resolved",
                    "closed",
                    "reopened",
                    "other",
                    required=True,
                ),
                _c("severity", "code", "low", "medium", "high", "critical"),
                _c("topic"),
                _c("channel"),
                _c("agent_id", "id_text"),
                _c("is_reopened", "boolean"),
                _c("updated_at", "timestamp"),
            ),
            event_at="occurred_at",
        ),
        Stream(
            "survey_responses",
            ("response_id", "question_id"),
            (
                _id("response_id"),
                _id("question_id"),
                *_CUSTOMER,
                _c("instrument", "code", "nps", "csat", "ces", "custom", required=True),
                _c("score", "number"),  # null is a blank that the source declares, never a zero
                _c("scale_min", "number", required=True),
                _c("scale_max", "number", required=True),
                _c("answered_at", "timestamp", required=True),
                _c("dimension"),
                _c("is_overall", "boolean"),
                _c("wave"),
                _c("channel"),
                _c("asked_at", "timestamp"),
                _c("respondent_id", "id_text"),
                _c("respondent_role"),
                _c("direction", "code", "higher_is_better", "lower_is_better"),
                _c("comment"),
                _c("updated_at", "timestamp"),
            ),
            event_at="answered_at",
        ),
        Stream(
            "products",
            ("product_id",),
            (
                _id("product_id"),
                _c("name"),
                _c("category"),
                _c("unit_cost", "money"),
                _c("list_price", "money"),
                _c("is_premium", "boolean"),  # of the dearer kind, as the company sees it; null where nobody said
                _c("updated_at", "timestamp"),
            ),
        ),
        Stream(
            "payments",
            ("payment_id",),
            (
                _id("payment_id"),
                *_CUSTOMER,
                _c("order_id", "id_text"),
                _c("amount", "money", required=True),
                _c("currency", "currency", required=True),
                _c("issued_on", "date"),  # when it was asked for: until it is due it is credit
                _c("due_on", "date", required=True),
                _c("paid_at", "timestamp"),  # null while it is not paid
                _c("updated_at", "timestamp"),
            ),
            event_at="paid_at",
        ),
        Stream(
            "customer_assessments",
            ("assessment_id",),
            (
                _id("assessment_id"),
                *_CUSTOMER,
                _c("criterion", "code", "strategic", "reference", "channel", "referral", "other", required=True),
                _c("points", "number", required=True),  # 0 to 100
                _c("assessor", required=True, missing="author_missing"),
                _c("from", "date", required=True),
                _c("until", "date"),  # the last day; null is open
                _c("updated_at", "timestamp"),
            ),
            by_people=True,
        ),
        Stream(
            "customer_facts",
            ("fact", "customer_source", "customer_id", "from"),
            (
                # `spend` is what the customer pays anybody, in a year, for what the company sells
                _c("fact", "code", *_CUSTOMER_FACTS, required=True, missing="id_missing"),
                *_CUSTOMER,
                _c("from", "date", required=True),
                _c("value", "number", required=True),  # people, money in the reporting currency, a share of 1
                _c("origin"),  # whoever says so
                _c("updated_at", "timestamp"),
            ),
            by_people=True,
        ),
        Stream(
            "industry_outlook",
            ("industry", "from"),
            (
                _id("industry"),  # as customers' records write it
                _c("from", "date", required=True),
                _c("growth", "number", required=True),  # over the 12 months to come: 0.04 is 4 %
                _c("origin"),  # whoever says so
                _c("updated_at", "timestamp"),
            ),
            by_people=True,
        ),
        Stream(
            "activity_rates",
            ("activity", "from"),
            (
                _c("activity", "code", *_INTERACTION_KINDS, *_OTHER_ACTIVITIES, required=True, missing="id_missing"),
                _c("from", "date", required=True),
                _c("unit_cost", "money", required=True),  # of one, in the reporting currency
                _c("sensitivity", "number"),  # by which share of itself the rate may be off, either way
                _c("updated_at", "timestamp"),
            ),
            by_people=True,
        ),
        Stream(
            "service_targets",
            ("tier", "from"),
            (
                _id("tier"),  # of the primary policy; `any` is for whoever has no target of their own
                _c("from", "date", required=True),
                _c("first_response_minutes", "integer"),  # null: nothing is promised
                _c("resolution_minutes", "integer"),
                _c("updated_at", "timestamp"),
            ),
            by_people=True,
        ),
        Stream(
            "exchange_rates",
            ("currency", "from"),
            (
                _c("currency", "currency", required=True),
                _c("from", "date", required=True),
                _c("rate", "rate", required=True),  # what one unit of it is worth in the reporting currency
                _c("is_confirmed", "boolean"),  # somebody looked at a leap, and it is none
                _c("updated_at", "timestamp"),
            ),
            by_people=True,
        ),
        Stream(
            "tier_overrides",
            ("policy", "customer_source", "customer_id", "from"),
            (
                _id("policy"),
                *_CUSTOMER,
                _c("from", "date", required=True),
                _c("until", "date"),  # the last day; null is open
                _c("tier", "id_text", required=True),
                _c("reason", required=True, missing="reason_missing"),
                _c("author", required=True, missing="author_missing"),
                _c("updated_at", "timestamp"),
            ),
            by_people=True,
        ),
        Stream(
            "existing_tiers",
            ("policy", "customer_source", "customer_id"),
            (
                _id("policy"),
                *_CUSTOMER,
                _c("tier", "id_text", required=True),
                _c("author"),
                _c("because"),
                _c("updated_at", "timestamp"),
            ),
            by_people=True,
        ),
    )
}

# What the log adds to the canonical columns, in the order the Parquet files carry them.
LOG_COLUMNS: dict[str, str] = {
    "source": "varchar",
    "delivery_id": "varchar",
    "row_number": "bigint",  # 1 = the first data row of the delivered file
    "known_on": "date",
    "claimed_on": "date",  # the day the delivery or row claims for itself; null where it claims none
    "left_out_because": "varchar",  # not null: asked to be left out; such rows are no versions of anything
    "content_hash": "varchar",
    "version_of": "varchar",  # the thing a newer version replaces: the row's key, or the whole order
    "version_id": "varchar",  # rows that came together as one version share it
    "version_updated_at": "timestamp",
    "accepted_order": "bigint",  # order of acceptance of the deliveries of this installation
    "ranks_as": "bigint",  # the accepted_order that it ranks by: its own, or that of the delivery it reads anew
    "version_row": "bigint",  # the version's place within its delivery: its row; 0 where a version is a whole order
    "is_withdrawn": "boolean",  # true: what a changed mapping no longer accepts; it stands, and nothing with it
}
