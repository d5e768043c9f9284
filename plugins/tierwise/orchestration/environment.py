"""Airflow on this machine: everything it writes lies below var/, and nobody else on the network reaches it.

Imports no Airflow: Airflow reads these settings when it is first imported.
"""

from __future__ import annotations

from tierwise.settings import settings


def airflow_environment(port: int = 8080) -> dict[str, str]:
    """The environment variables of a local Airflow that serves this installation."""
    here = settings()
    return {
        "AIRFLOW_HOME": str(here.var / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(here.project / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(here.project / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",  # the default keeps 32 idle workers
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",  # the default listens on every address
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(here.var / "logs" / "airflow"),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "DO_NOT_TRACK": "1",
    }


def prepare_airflow() -> None:
    """Bring Airflow's own database up to date and make the pool the refresh runs in. Call it after the settings."""
    (settings().var / "airflow").mkdir(parents=True, exist_ok=True)
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    from tierwise.orchestration.care import WAREHOUSE

    initdb()
    Pool.create_or_update_pool(
        WAREHOUSE, slots=1, description="One build at a time: it uses the machine's memory.", include_deferred=False
    )


if __name__ == "__main__":
    prepare_airflow()
