"""What Airflow need not remember: runs of long ago in its own database, and their logs. Run it once a day."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from tierwise import clock, configuration
from tierwise.errors import Refusal
from tierwise.settings import hand_over


def retire(before: datetime) -> None:
    """Remove what is older than a moment; of scheduled runs the last one stays.

    Releases, decisions and deliveries are not Airflow's: nothing of them is touched.
    """
    from airflow.configuration import conf
    from airflow.utils.db_cleanup import run_cleanup

    run_cleanup(clean_before_timestamp=before, confirm=False, skip_archive=True)
    logs = Path(conf.get("logging", "base_log_folder"))
    for file in [f for f in logs.rglob("*") if f.is_file() and not f.is_symlink()]:
        if file.stat().st_mtime < before.timestamp():
            file.unlink()
    for folder in sorted((f for f in logs.rglob("*") if f.is_dir() and not f.is_symlink()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def main() -> int:
    """Retire what `retention.airflow_days` of config/company.yml lets go. Airflow's settings are those of the environment."""
    hand_over(DO_NOT_TRACK="1")
    try:
        retire(clock.days_ago(configuration.company().retention.airflow_days))
    except Refusal as why:
        print(why, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
