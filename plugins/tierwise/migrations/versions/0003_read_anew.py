"""Which mapping a delivery was read by, and which delivery reads another one's file anew."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("mapping", sa.String(12)))
    op.add_column("deliveries", sa.Column("remapped_from", sa.String(60)))
    op.add_column("deliveries", sa.Column("withdrawn_versions", sa.Integer))
