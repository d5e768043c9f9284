"""Everything is lost but a backup, or the backup is damaged, in the way, or written while a run is going."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tierwise import accept, backup, conform, control, lake, landing, manifest, policy, release
from tierwise.errors import Busy, OurFailure
from tierwise.settings import settings
from tierwise.sources import description

FOURTH = "2024-02-02"
SINCE = [
    ("o4", 1, "dee", "2024-01-30 12:00", "11.00", "2024-02-02 08:00"),  # was 10.00
    ("o13", 1, "eve", "2024-02-02 09:00", "150.00", None),
    ("o14", 1, "fay", "2024-02-02 09:30", "75.00", None),
    ("o15", 1, "cid", "2024-02-02 09:40", "5.00", None),
    ("o16", 1, "bob", "2024-02-02 09:50", "no number", None),
    ("o17", 1, "bob", "2024-02-02 09:55", "6.00", None),
]


def marts(company: Any) -> dict[str, dict[str, object]]:
    """Rows and hash of every mart as the release itself states them, without those that tell of runs."""
    held = json.loads((company.home / "var/release/current/manifest.json").read_text())
    return {mart: facts for mart, facts in held["marts"].items() if not mart.startswith("ops_")}


def lost(company: Any, home: Path, *, without: tuple[str, ...] = ("var",)) -> Any:
    """A home in which only what is not in `without` is left."""
    left = company.copy_to(home)
    for folder in without:
        shutil.rmtree(left.home / folder)
    return left


def what_lies_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


@pytest.fixture(scope="module")
def backed_up(three_nights, tmp_path_factory) -> Path:
    """A backup taken after the third night."""
    target = tmp_path_factory.mktemp("elsewhere") / "backup of 店"
    answer = three_nights.tierwise("backup", str(target))
    assert answer.code == 0, answer.said
    assert "holds release 2024-02-01.1" in answer.said
    return target


@pytest.fixture(scope="module")
def never_lost(three_nights, tmp_path_factory) -> Any:
    """The same company after a fourth night, without any loss."""
    company = three_nights.copy_to(tmp_path_factory.mktemp("lucky") / "shop")
    company.deliver(f"orders_{FOURTH}.csv", SINCE)
    company.run(FOURTH)
    return company


@pytest.fixture
def backup_of_mine(backed_up, tmp_path) -> Path:
    """A backup that a test may damage."""
    return Path(shutil.copytree(backed_up, tmp_path / "backup"))


# --- everything is lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["at its source", "in the lake only"])
def test_after_losing_all_but_the_backup_and_what_was_delivered_since_the_next_night_is_the_same(
    three_nights, never_lost, backed_up, tmp_path, where
):
    shop = lost(three_nights, tmp_path / "shop")
    if where == "in the lake only":
        shutil.rmtree(shop.home / "inbox")
        shutil.copytree(never_lost.home / "var/lake/landing", shop.home / "var/lake/landing")
    else:
        shop.deliver(f"orders_{FOURTH}.csv", SINCE)
    answer = shop.tierwise("restore", str(backed_up))
    assert answer.code == 0, answer.said
    assert shop.current == "2024-02-01.1"
    assert shop.differences(three_nights) == []
    assert shop.differences(never_lost) != []
    shop.run(FOURTH)
    assert marts(shop) == marts(never_lost)
    assert shop.differences(never_lost) == []
    assert shop.marts("select count(*) from ops_quarantine") == [(1,)]


def test_a_restored_home_holds_what_its_rows_and_manifests_name_and_nothing_else(three_nights, backed_up, tmp_path):
    shop = lost(three_nights, tmp_path / "shop")
    assert shop.tierwise("restore", str(backed_up)).code == 0
    with shop.at_home():
        for release_id in ("2024-02-01.1", "2024-01-31.1"):
            for file in manifest.read_release(release_id).files():
                assert lake.fingerprint(file.absolute) == file.sha256
        assert lake.sweep() == []
    verified = shop.tierwise("release", "verify")
    assert verified.code == 0, verified.said
    kept = {line.split("\t")[0]: line.split("\t")[5] for line in shop.tierwise("release", "list").out.splitlines()[1:]}
    assert kept == {"2024-02-01.1": "True", "2024-01-31.1": "True", "2024-01-30.1": "False"}
    back = shop.tierwise("release", "rollback")
    assert back.code == 0, back.said
    assert shop.marts("select distinct as_of::varchar from dim_customer_tiers") == [("2024-01-31",)]


def test_a_home_before_its_first_release_can_be_backed_up(company, tmp_path):
    assert company.tierwise("source", "list").code == 0
    assert "a home without a release" in company.tierwise("backup", str(tmp_path / "backup")).said
    shutil.rmtree(company.home / "var")
    answer = company.tierwise("restore", str(tmp_path / "backup"))
    assert answer.code == 0, answer.said
    assert "none yet" in answer.said


def test_configuration_comes_back_where_there_is_none_and_is_never_written_over(three_nights, backed_up, tmp_path):
    bare = lost(three_nights, tmp_path / "bare", without=("var", "config"))
    assert json.loads(bare.tierwise("restore", str(backed_up), "--json").out)["config_restored"] is True
    for name in ("company", "sources", "tier_policies"):
        there = three_nights.home / f"config/{name}.yml"
        assert (bare.home / f"config/{name}.yml").read_text() == there.read_text()
    edited = lost(three_nights, tmp_path / "edited")
    edited.replace("config/company.yml", "Tiny shop", "Small shop")
    answer = edited.tierwise("restore", str(backed_up))
    assert "config/ was left as it is, and differs from the backup's in config/company.yml." in answer.said
    assert "Small shop" in (edited.home / "config/company.yml").read_text()


# --- while a run is going -------------------------------------------------------------------------------------------


def test_a_backup_taken_in_the_middle_of_a_run_gives_a_home_as_after_a_crash(shop, never_lost, tmp_path):
    shop.deliver(f"orders_{FOURTH}.csv", SINCE)
    shop.deliver_calls(f"calls_{FOURTH}.jsonl", [])
    with shop.at_home():
        run_id = release.begin([date.fromisoformat(FOURTH)])
        policy.adopt(run_id)
        for source in description.load_sources():
            for stream in source.streams:
                landing.land(run_id, source.name, stream)
        conform.conform(run_id)
        accept.accept(run_id)
        release.build(run_id, "history")
    writer = sqlite3.connect(shop.home / "var/control.db", isolation_level=None)
    writer.execute("begin immediate")  # somebody is writing at this very moment
    writer.execute("update runs set message = 'never committed'")
    answer = shop.tierwise("backup", str(tmp_path / "backup"))
    writer.rollback()
    writer.close()
    assert answer.code == 0, answer.said
    elsewhere = lost(shop, tmp_path / "elsewhere", without=("var", "inbox"))
    assert elsewhere.tierwise("restore", str(tmp_path / "backup")).code == 0
    with elsewhere.at_home():
        assert [r.status for r in control.runs()] == ["released", "released", "released", "running"]
        assert {r.message for r in control.runs()} == {None}
        assert control.delivery(control.deliveries()[-1].delivery_id).status == "accepted"
        assert not settings().work.exists()
    assert elsewhere.current == "2024-02-01.1"
    elsewhere.run(FOURTH)
    assert marts(elsewhere) == marts(never_lost)
    with elsewhere.at_home():
        assert [r.status for r in control.runs()][-2:] == ["failed", "released"]


def test_what_waits_at_the_door_or_lies_in_quarantine_goes_along(never_lost, tmp_path):
    shop = never_lost.copy_to(tmp_path / "shop")
    shop.deliver_calls(f"calls_{FOURTH}.jsonl", [("c1", "ann", "no day at all")])
    assert shop.tierwise("run", "--as-of", FOURTH, when="conform", then=interrupt).code == 1
    assert shop.tierwise("backup", str(tmp_path / "backup")).code == 0
    with shop.at_home():
        landed = [d for d in control.deliveries() if d.status == "landed"]
        outside = [d for d in control.deliveries() if d.quarantine_file]
    assert [d.name for d in landed] == [f"calls_{FOURTH}.jsonl"]
    assert [d.name for d in outside] == [f"orders_{FOURTH}.csv"]
    for path in (landed[0].path, outside[0].path, outside[0].quarantine_file):
        assert (tmp_path / "backup/var" / path).read_bytes() == (shop.home / "var" / path).read_bytes()


def interrupt() -> None:
    raise RuntimeError("somebody pulled the plug")


@pytest.mark.parametrize("how_far", ["folder gone", "folder about to go"])
def test_what_retention_takes_away_while_it_is_copied_is_not_half_in_the_backup(shop, tmp_path, how_far):
    taken: list[str] = []

    def in_the_middle(path: str, _done: int, _total: int) -> None:
        if "2024-01-31.1/parquet" in path and not taken:
            taken.append(path)
            control.forget_releases(["2024-01-31.1"])
            if how_far == "folder gone":
                shutil.rmtree(shop.home / "var/release/2024-01-31.1")

    with shop.at_home():
        held = backup.write(tmp_path / "backup", in_the_middle)
    assert taken
    assert held.carried == ("2024-02-01.1",)
    written = {f for f in what_lies_in(tmp_path / "backup") if (tmp_path / "backup" / f).is_file()}
    assert written == {*held.files, backup.FILE}
    assert not [path for path in written if "2024-01-31.1" in path]


def test_where_retention_takes_away_again_and_again_nothing_is_written(shop, tmp_path):
    folder = next((shop.home / "var/lake/landing/shop/orders").glob("*"))
    (folder / "1.csv").touch()
    attempts: list[int] = []

    def again(_path: str, done: int, _total: int) -> None:
        if done == 1:
            attempts.append(len(attempts) + 1)
            (folder / f"{attempts[-1]}.csv").rename(folder / f"{attempts[-1] + 1}.csv")

    with shop.at_home(), pytest.raises(Busy, match="Retention took files away"):
        backup.write(tmp_path / "here" / "backup", again)
    assert attempts == [1, 2, 3]
    assert what_lies_in(tmp_path / "here") == []


# --- never half -----------------------------------------------------------------------------------------------------


def test_a_backup_that_ends_early_never_bears_its_name(three_nights, tmp_path):
    seen: list[list[str]] = []

    def stopped(_path: str, done: int, _total: int) -> None:
        seen.append(what_lies_in(tmp_path / "here"))
        if done == 5:
            raise KeyboardInterrupt

    with three_nights.at_home(), pytest.raises(KeyboardInterrupt):
        backup.write(tmp_path / "here" / "backup", stopped)
    assert len(seen) == 5
    assert all("backup" not in found for found in seen)
    assert what_lies_in(tmp_path / "here") == []


@pytest.mark.parametrize("phase", ["check", "copy"])
def test_a_restore_that_ends_early_can_be_begun_again(three_nights, backed_up, tmp_path, phase):
    shop = lost(three_nights, tmp_path / "shop", without=("var", "config"))
    begun: list[str] = []

    def stopped(path: str, done: int, total: int) -> None:
        begun.extend(["begun"] if done == 1 else [])
        if len(begun) == (1 if phase == "check" else 2) and done > total - 2:
            raise KeyboardInterrupt

    with shop.at_home(), pytest.raises(KeyboardInterrupt):
        backup.restore(backed_up, stopped)
    assert (shop.home / "var").exists() == (phase == "copy")
    assert not (shop.home / "var/control.db").exists()
    assert shop.tierwise("restore", str(backed_up)).code == 0
    assert shop.differences(three_nights) == []
    assert (shop.home / "config/company.yml").exists()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("control.db", "control.db is not what was written there"),
        ("var/release/2024-02-01.1/tierwise.duckdb", "tierwise.duckdb is not what was written there"),
        ("var/lake/accepted/orders/*.parquet", ".parquet is not what was written there"),
        ("var/lake/decisions/*/tier_states_last.parquet", "tier_states_last.parquet is not what was written there"),
        ("config/company.yml", "config/company.yml is not what was written there"),
        ("backup.json", "backup.json is not what was written there"),
    ],
)
def test_one_flipped_byte_is_refused_with_the_file_named_and_nothing_touched(
    three_nights, backup_of_mine, tmp_path, file, says
):
    damaged = max(backup_of_mine.glob(file))
    content = bytearray(damaged.read_bytes())
    at = content.index(b"2024-02-01.1") + 11 if file == "backup.json" else len(content) // 2
    content[at] ^= 1
    damaged.chmod(0o644)
    damaged.write_bytes(content)
    shop = lost(three_nights, tmp_path / "shop", without=("var", "config"))
    answer = shop.tierwise("restore", str(backup_of_mine))
    assert answer.code == 2
    assert says in answer.said
    assert damaged.name in answer.said
    assert what_lies_in(shop.home) == [f for f in what_lies_in(three_nights.home) if f.startswith("inbox")]


def cut_off(folder: Path) -> None:
    text = (folder / backup.FILE).read_text()
    (folder / backup.FILE).write_text(text[: len(text) // 2])


def say(folder: Path, **facts: object) -> None:
    told = json.loads((folder / backup.FILE).read_text())
    told.pop("hash")
    held = backup.Backup(**{**told, "carried": tuple(told["carried"]), **facts})
    (folder / backup.FILE).write_text(json.dumps({**vars(held), "hash": held.hash}))


def lead_out(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.touch()
    files = json.loads((folder / backup.FILE).read_text())["files"]
    say(folder, files={**files, "var/../../outside": lake.fingerprint(outside)})


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(lambda b: (b / backup.FILE).unlink(), "is no backup", id="another folder"),
        pytest.param(shutil.rmtree, "is no backup", id="no folder"),
        pytest.param(cut_off, "backup.json cannot be read", id="a list cut off"),
        pytest.param(lambda b: (b / "control.db").unlink(), "control.db is missing", id="a missing file"),
        pytest.param(lambda b: say(b, migration="9999", package="9.0"), "install 9.0 or later", id="a later package"),
        pytest.param(lead_out, "backup.json is not what was written", id="a way out"),
    ],
)
def test_a_folder_that_is_no_whole_backup_of_ours_is_refused(
    three_nights, backup_of_mine, tmp_path, damage: Callable[[Path], None], says
):
    damage(backup_of_mine)
    shop = lost(three_nights, tmp_path / "shop")
    answer = shop.tierwise("restore", str(backup_of_mine))
    assert answer.code == 2
    assert says in answer.said
    assert not (shop.home / "var").exists()


# --- what is there is never written over ----------------------------------------------------------------------------


@pytest.mark.parametrize("left", ["var/control.db", "var/control.db-wal", "var/release/2024-01-30.1/manifest.json"])
def test_a_home_with_a_past_of_its_own_is_not_restored_into(three_nights, backed_up, tmp_path, left):
    shop = lost(three_nights, tmp_path / "shop")
    shop.write(left, "what is left")
    answer = shop.tierwise("restore", str(backed_up))
    assert answer.code == 2
    assert "has a past of its own" in answer.said
    assert Path(left).parts[1] in answer.said
    assert [f for f in what_lies_in(shop.home / "var") if (shop.home / "var" / f).is_file()] == [
        str(Path(left).relative_to("var"))
    ]


@pytest.mark.parametrize("taken", ["a folder", "a file", "a link to nowhere"])
def test_a_backup_is_written_once_into_a_new_folder(three_nights, tmp_path, taken):
    target = tmp_path / "backup"
    {"a folder": target.mkdir, "a file": target.touch, "a link to nowhere": lambda: target.symlink_to("nowhere")}[
        taken
    ]()
    answer = three_nights.tierwise("backup", str(target))
    assert answer.code == 2
    assert "is there already" in answer.said
    assert what_lies_in(tmp_path) == ["backup"]


def test_a_backup_may_not_lie_in_what_it_is_to_save_or_where_nothing_can_be_written(three_nights, tmp_path):
    inside = three_nights.tierwise("backup", str(three_nights.home / "var/backup"))
    assert (inside.code, (three_nights.home / "var/backup").exists()) == (2, False)
    assert "would be lost with it" in inside.said
    (tmp_path / "file").touch()
    beyond = three_nights.tierwise("backup", str(tmp_path / "file" / "backup"))
    assert beyond.code == 2
    assert "cannot be written" in beyond.said


@pytest.mark.parametrize("damage", ["gone", "damaged"])
@pytest.mark.parametrize("file", ["accepted/orders/*.parquet", "decisions/*/policies.parquet"])
def test_a_home_that_lost_something_is_told_so_by_its_backup(shop, tmp_path, file, damage):
    found = max((shop.home / "var/lake").glob(file))
    if damage == "gone":
        found.unlink()
    else:
        found.write_bytes(found.read_bytes() + b" ")
    with shop.at_home(), pytest.raises(OurFailure, match=f"{found.name} is (missing|damaged)"):
        backup.write(tmp_path / "here" / "backup")
    assert what_lies_in(tmp_path / "here") == []


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_another_database_is_left_to_its_own_dump_and_its_password_is_not_told(
    three_nights, tmp_path, monkeypatch, command
):
    monkeypatch.setenv("TIERWISE_CONTROL_URL", "postgresql://keeper:hunter2@nowhere/tierwise")
    answer = three_nights.tierwise(command, str(tmp_path / "backup"))
    assert answer.code == 2
    assert "the database's own dump" in answer.said
    assert "hunter2" not in answer.said
    assert what_lies_in(tmp_path) == []
