"""The first control store: pointer, runs, deliveries, findings, policy versions, releases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    pointer = op.create_table(
        "pointer",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("counter", sa.Integer, nullable=False),
        sa.Column("release_id", sa.String(40)),
    )
    op.bulk_insert(pointer, [{"id": 1, "counter": 0, "release_id": None}])
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(60), primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("days", sa.Text, nullable=False),
        sa.Column("counter", sa.Integer, nullable=False),
        sa.Column("parent_release_id", sa.String(40)),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.String(60), primary_key=True),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("stream", sa.String(60), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("claimed_on", sa.Date),
        sa.Column("landed_at", sa.DateTime, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("known_on", sa.Date),
        sa.Column("accepted_order", sa.Integer),
        sa.Column("accepted_run_id", sa.String(60)),
        sa.Column("accepted_file", sa.Text),
        sa.Column("accepted_sha256", sa.String(64)),
        sa.Column("quarantine_file", sa.Text),
        sa.Column("delivered_rows", sa.Integer),
        sa.Column("accepted_rows", sa.Integer),
        sa.Column("duplicate_rows", sa.Integer),
        sa.Column("quarantined_rows", sa.Integer),
        sa.Column("left_out_rows", sa.Integer),
        sa.Column("late_rows", sa.Integer),
        sa.Column("refusal_code", sa.String(40)),
        sa.Column("refusal", sa.Text),
        sa.Column("accepted_because", sa.Text),
        sa.UniqueConstraint("source", "stream", "name", "fingerprint", name="one_delivery_per_name_and_content"),
        sa.UniqueConstraint("stream", "accepted_order", name="one_delivery_per_place_in_the_log"),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("delivery_id", sa.String(60), sa.ForeignKey("deliveries.delivery_id"), nullable=False),
        sa.Column("run_id", sa.String(60), nullable=False),
        sa.Column("check", sa.Text, nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "policy_versions",
        sa.Column("policy", sa.String(100), primary_key=True),
        sa.Column("version", sa.String(12), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("first_as_of", sa.Date, nullable=False),
        sa.Column("added_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "releases",
        sa.Column("release_id", sa.String(40), primary_key=True),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("parent_release_id", sa.String(40)),
        sa.Column("run_id", sa.String(60), nullable=False),
        sa.Column("manifest_hash", sa.String(64), nullable=False),
        sa.Column("committed_at", sa.DateTime, nullable=False),
        sa.Column("is_kept", sa.Boolean, nullable=False),
        sa.UniqueConstraint("as_of", "number", name="one_release_per_day_and_number"),
    )
