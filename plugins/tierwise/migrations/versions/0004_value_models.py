"""Value models as they were fitted, and requests to fit anew."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "value_models",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("model_id", sa.String(20), nullable=False),
        sa.Column("fitted_on", sa.Date, nullable=False),
        sa.Column("run_id", sa.String(60), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("added_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "fits_asked",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        sa.Column("run_id", sa.String(60)),
    )
