"""What people say by command: overrides that wait for the next run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "overrides_said",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("policy", sa.String(100), nullable=False),
        sa.Column("customer_source", sa.String(100), nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date),
        sa.Column("tier", sa.String(100), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("said_at", sa.DateTime, nullable=False),
        sa.Column("delivery_id", sa.String(60), sa.ForeignKey("deliveries.delivery_id")),
    )
