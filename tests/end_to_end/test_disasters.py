"""Two at once, killed in the middle, a store gone, a slip of the pen: readers see a whole release, people a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

READER = """
import json, sys, time
from pathlib import Path
import duckdb
link, stop = Path(sys.argv[1]), Path(sys.argv[2])
ask = '''select array_agg(distinct as_of::varchar) from (
    select as_of from marts.dim_customers union all select as_of from marts.dim_customer_tiers union all
    select as_of from marts.rpt_tier_summary union all select as_of from marts.fct_customer_value where is_latest)'''
seen, failed = [], []
while True:
    last = stop.exists()
    try:
        with duckdb.connect(str(link), read_only=True) as d:
            days = d.execute(ask).fetchone()[0]
        if not seen or seen[-1] != days:
            seen.append(days)
    except Exception as problem:
        failed.append(repr(problem))
    if last:
        break
    time.sleep(0.05)
print(json.dumps([seen, failed]))
"""


def _begin_and_stop_before_release(day):
    """The steps of a night but the last one, by the rooms themselves."""
    from datetime import date

    from tierwise import accept, conform, landing, policy, release
    from tierwise.sources import description

    run_id = release.begin([date.fromisoformat(day)])
    policy.adopt(run_id)
    for source in description.load_sources():
        for stream in source.streams:
            landing.land(run_id, source.name, stream)
    conform.conform(run_id)
    accept.accept(run_id)
    for part in ("history", "proposals"):
        release.build(run_id, part)
    release.hold_at_the_door_out(run_id)
    return run_id


def test_of_two_runs_at_once_one_releases_and_the_other_is_busy_while_readers_see_whole_releases(shop, tmp_path):
    from tierwise import release

    shop.deliver(
        "orders_2024-02-02.csv", [(f"o{n}", 1, "dee", "2024-02-02 10:00", "99.00", None) for n in (14, 15, 16)]
    )
    stop = tmp_path / "stop"
    reader = subprocess.Popen([sys.executable, "-c", READER, shop.released, stop], stdout=subprocess.PIPE, text=True)
    try:
        with shop.at_home():
            first = _begin_and_stop_before_release("2024-02-02")
        slower = shop.tierwise(
            "run", "--as-of", "2024-02-02", when="hold at the door out", then=lambda: release.release(first)
        )
    finally:
        stop.touch()
        told, _ = reader.communicate(timeout=60)
    seen, failed = json.loads(told)
    assert slower.code == 75, slower.said
    assert "Another run was faster: the current release is 2024-02-02.1" in slower.said
    assert "nothing was changed" in slower.said
    assert shop.current == "2024-02-02.1"
    assert failed == []
    assert seen == [["2024-02-01"], ["2024-02-02"]]
    assert shop.marts("select count(*) from fct_orders where ordered_on = '2024-02-02'") == [(3,)]
    with shop.at_home():
        from tierwise import control

        assert [r.release_id for r in control.releases()][-1] == "2024-02-02.1"
        assert [r.status for r in control.runs()][-2:] == ["released", "failed"]


@pytest.mark.parametrize("left", ["2024-01-31.1", "2024-02-99.1", None])
def test_a_crash_between_commit_and_link_is_mended_by_the_next_command(shop, left):
    for link in ("current", "current.duckdb"):
        (shop.home / "var/release" / link).unlink()
    if left:
        (shop.home / "var/release/current").symlink_to(left)
    answer = shop.tierwise("query", "select distinct as_of from dim_customers", "--json")
    assert answer.code == 0, answer.said
    assert json.loads(answer.out) == [{"as_of": "2024-02-01"}]
    assert shop.current == "2024-02-01.1"
    assert shop.marts("select distinct as_of::varchar from dim_customers") == [("2024-02-01",)]


@pytest.mark.parametrize("command", [("run", "--as-of", "2024-02-02"), ("query", "show tables"), ("release", "list")])
def test_a_control_store_that_is_gone_is_never_replaced_by_an_empty_one(three_nights, tmp_path, command):
    shop = three_nights.copy_to(tmp_path / "moved")
    for part in (shop.home / "var").glob("control.db*"):
        part.unlink()
    answer = shop.tierwise(*command)
    assert answer.code == 2
    assert "control.db is gone" in answer.said
    assert "put the control store back from your backup" in answer.said
    assert "tierwise restore BACKUP" in answer.said
    assert list((shop.home / "var").glob("control.db*")) == []
    assert shop.current == "2024-02-01.1"


def test_a_home_may_be_moved_to_another_folder(three_nights, tmp_path):
    moved = three_nights.copy_to(tmp_path / "elsewhere")
    assert moved.tierwise("query", "select count(*) from fct_orders").out.split() == ["count_star()", "13"]
    assert str(three_nights.home) not in (moved.home / "var/release/current/manifest.json").read_text()


def test_a_home_whose_path_sql_would_misread_is_refused(three_nights, tmp_path):
    answer = three_nights.copy_to(tmp_path / "tom's [1] shop").tierwise("query", "show tables")
    assert answer.code == 2
    assert "has ' and [ in its path" in answer.said
    assert "TIERWISE_HOME" in answer.said


@pytest.mark.parametrize(
    ("file", "right", "wrong", "meant"),
    [
        ("company.yml", "currency: GBP", "currancy: GBP", "currency"),
        ("sources.yml", "        line_id: line", "        lime_id: line", "line_id"),
        ("tier_policies.yml", "  then_by: [orders_12m]", "  then_by: [order_12m]", "orders_12m"),
    ],
)
def test_a_slip_in_a_configuration_is_answered_with_its_line_and_what_was_meant(company, file, right, wrong, meant):
    line = company.replace(f"config/{file}", right, wrong)
    answer = company.tierwise("run", "--as-of", "2024-01-30")
    assert answer.code == 2
    assert f"config/{file}:{line}:" in answer.said
    assert meant in answer.said
    assert "Traceback" not in answer.said
    assert not (company.home / "var/release").exists()


def test_a_missing_configuration_is_answered_with_its_name(company):
    (company.home / "config/tier_policies.yml").unlink()
    answer = company.tierwise("run", "--as-of", "2024-01-30")
    assert answer.code == 2
    assert "config/tier_policies.yml" in answer.said


def test_a_query_can_neither_write_nor_read_files(three_nights):
    for sql in ("delete from dim_customers", "from read_csv('/etc/passwd')", "copy dim_customers to '/tmp/stolen.csv'"):
        answer = three_nights.tierwise("query", sql)
        assert answer.code == 2, sql
        assert "Traceback" not in answer.said
    assert three_nights.marts("select count(*) from dim_customers") == [(5,)]


def test_the_doctor_finds_a_healthy_home_healthy_and_names_what_is_not(shop):
    assert shop.tierwise("doctor").code == 0
    (shop.home / "config/company.yml").write_text("name: x\n")
    ill = shop.tierwise("doctor")
    assert ill.code == 2
    assert "config/company.yml" in ill.said


# --- the control store itself -----------------------------------------------------------------------------------------


def test_the_migrations_lead_to_the_tables_that_the_code_knows(company):
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from tierwise import control

    with company.at_home():
        control.pointer()
    engine = sa.create_engine(f"sqlite:///{company.home / 'var/control.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, control.METADATA) == []
        assert context.get_current_revision() == control.MIGRATION_HEAD
    migrations = Config()
    migrations.set_main_option("script_location", str(Path(control.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(migrations).get_heads() == [control.MIGRATION_HEAD]


def test_readers_of_the_control_store_do_not_wait_for_a_writer(three_nights, tmp_path):
    """Commands read it first of all; a night at its commit must not hold up `tierwise query`."""
    import sqlite3

    from tierwise import control

    shop = three_nights.copy_to(tmp_path / "unknown to this process")
    writer = sqlite3.connect(shop.home / "var/control.db", isolation_level=None)
    writer.execute("begin immediate")
    with shop.at_home():
        assert control.pointer().release_id == "2024-02-01.1"
        assert len(control.releases()) == 3
    assert writer.in_transaction
    writer.close()


HOLDER = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reading") as d:
    d.execute("begin")
    count = "select count(*) from marts.fct_orders"
    print(d.execute(count).fetchone()[0], flush=True)
    sys.stdin.readline()
    print(d.execute(count).fetchone()[0], flush=True)
"""


@pytest.mark.parametrize("how", ["reading", "writing"])
def test_an_analyst_who_holds_the_file_open_keeps_what_he_sees_and_holds_nobody_up(shop, tmp_path, how):
    shop.deliver("orders_2024-02-02.csv", [(f"o2{n}", 1, "dee", "2024-02-02 09:00", "1.00", None) for n in range(3)])
    undisturbed = shop.copy_to(tmp_path / "undisturbed")
    undisturbed.run("2024-02-02")
    command = [sys.executable, "-c", HOLDER, str(shop.released.resolve()), how]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    held = int(holder.stdout.readline())
    shop.run("2024-02-02")
    assert shop.current == "2024-02-02.1"
    assert shop.differences(undisturbed) == []
    still, _ = holder.communicate("\n", timeout=60)
    assert (holder.returncode, int(still)) == (0, held)
    assert shop.marts("select count(*) from fct_orders") == [(held + 3,)]
    assert shop.tierwise("release", "verify").code == 0


def test_the_same_day_twice_at_the_same_moment_is_one_release_and_one_who_is_told(shop, tmp_path):
    shop.deliver("orders_2024-02-02.csv", [(f"o2{n}", 1, "dee", "2024-02-02 09:00", "1.00", None) for n in range(3)])
    undisturbed = shop.copy_to(tmp_path / "undisturbed")
    undisturbed.run("2024-02-02")
    command = [sys.executable, "-m", "tierwise.cli", "run", "--as-of", "2024-02-02"]
    environment = {**os.environ, "TIERWISE_HOME": str(shop.home)}
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = dict(sorted((one.wait(300), one.stderr.read()) for one in both))
    assert list(told) == [0, 75], told
    assert "nothing was changed" in " ".join(told[75].split())
    assert shop.current == "2024-02-02.1"
    assert shop.differences(undisturbed) == []


def test_a_damaged_build_file_costs_a_night_at_most_its_haste(shop, tmp_path):
    shop.deliver("orders_2024-02-02.csv", [(f"o2{n}", 1, "dee", "2024-02-02 09:00", "1.00", None) for n in range(3)])
    undisturbed = shop.copy_to(tmp_path / "undisturbed")
    undisturbed.run("2024-02-02")
    kept = shop.home / "var/work/kept.duckdb"
    size = kept.stat().st_size
    with kept.open("r+b") as file:
        for place in range(3 * 4096, size, 64 * 1024):
            file.seek(place)
            file.write(b"\xff" * 4096)
    first = shop.tierwise("run", "--as-of", "2024-02-02")
    if first.code:
        assert first.code == 1, first.said
        assert "the old release stays" in first.said
        assert shop.current == "2024-02-01.1"
        assert not kept.exists()
        shop.run("2024-02-02")
    assert shop.differences(undisturbed) == []


def test_a_clock_that_was_an_hour_ahead_does_not_turn_the_order_of_deliveries_round(shop, monkeypatch):
    from tierwise import control

    now = control._now
    with monkeypatch.context() as ahead:
        ahead.setattr(control, "_now", lambda: now() + timedelta(hours=1))
        shop.deliver("orders_2024-02-02.csv", [("o20", 1, "dee", "2024-02-02 09:00", "1.00", None)])
        assert shop.tierwise("run", "--as-of", "2024-02-02").code == 3  # one row where four are usual
    more = [(f"o2{n}", 1, "dee", "2024-02-02 09:00", "1.00", None) for n in range(4)]
    shop.deliver("orders_2024-02-02_complete.csv", more)
    shop.run("2024-02-02")
    statuses = "select status from ops_runs order by started_at desc limit 2"
    assert shop.marts(statuses) == [("released",), ("failed",)]
    with shop.at_home():
        assert [r.release_id for r in control.releases()][-1] == "2024-02-02.1"
