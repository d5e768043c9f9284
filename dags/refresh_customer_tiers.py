"""Turn what the sources delivered into a value and a tier for every customer.

Each night describes the last complete day in the company's time zone. Readers see the release before, or the new one,
never a mix; a night that fails changes nothing for them, and its first red task says in its log what to do.
To describe a certain day again, trigger the DAG and write the day.

每晚根据各来源交付的数据，计算每位客户的价值与等级。失败的夜晚不会影响已发布的结果；第一个变红的任务会在日志里说明原因和处理办法。
"""

from datetime import UTC, datetime

from airflow.sdk import chain, dag

from tierwise.orchestration.care import CARE
from tierwise.orchestration.schedule import DAY, every_night
from tierwise.orchestration.tasks import (
    accept,
    build,
    check_configuration,
    conform,
    hold_at_the_door_out,
    land,
    release,
    score,
    streams,
)


@dag(
    dag_display_name="Refresh customer tiers · 客户分级",
    schedule=every_night(),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=CARE,
    params={"as_of": DAY},
    doc_md=__doc__,
)
def refresh_customer_tiers():
    run = check_configuration()
    chain(
        run,
        configured := streams(),
        land.partial(run=run).expand(stream=configured),
        conform(run),
        accept(run),
        build.override(task_id="build_history")(run, "history"),
        score(run),
        build.override(task_id="build_proposals")(run, "proposals"),
        hold_at_the_door_out(run),
        release(run),
    )


refresh_customer_tiers()
