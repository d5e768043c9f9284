"""What the machine does to a night: no room, nothing writable. The old release stays, people get a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tierwise import lake

TIERWISE = Path(sys.executable).parent / "tierwise"
NO_MOUNT = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0

NIGHT = f"""
code=0; '{TIERWISE}' run --as-of 2024-02-02 >>"$said" 2>&1 || code=$?
echo "code $code, $(readlink "$TIERWISE_HOME/var/release/current")"
"""
SCRIPT = f"""
set -e
shop=$1 disk=$2 said=$3
room=$(du -sk --apparent-size "$shop" | cut -f1)
pages=$((4 * $(find "$shop" | wc -l)))  # what a file may take beyond its size
mount -t tmpfs -o size=$((room + pages + 700))k tmpfs "$disk"
cp -a "$shop/." "$disk/"
export TIERWISE_HOME=$disk
cat /dev/zero >"$disk/var/fill" 2>/dev/null || true
{NIGHT}
rm "$disk/var/fill"
{NIGHT}
mount -o remount,size=$((room + 28000))k "$disk"
{NIGHT}
mount -o remount,ro "$disk"
{NIGHT}
mount -o remount,rw,size=1g "$disk"
{NIGHT}
rm -rf "$shop"
cp -a "$disk/." "$shop/"
"""


@pytest.mark.slow
@pytest.mark.skipif(NO_MOUNT, reason="this system lets nobody mount a disk of a size of one's own")
def test_where_the_disk_is_full_or_closed_the_old_release_stays_and_the_next_run_finishes(shop, tmp_path):
    shop.deliver("orders_2024-02-02.csv", [(f"o2{n}", 1, "dee", "2024-02-02 09:00", "1.00", None) for n in range(3)])
    undisturbed = shop.copy_to(tmp_path / "undisturbed")
    undisturbed.run("2024-02-02")
    disk, said = tmp_path / "disk", tmp_path / "said.txt"
    disk.mkdir()
    script = ["unshare", "-rm", "sh", "-c", SCRIPT, "sh", str(shop.home), str(disk), str(said)]
    ran = subprocess.run(script, capture_output=True, text=True, check=False)
    told = " ".join(said.read_text().split())
    assert ran.stdout.splitlines() == [*["code 1, 2024-02-01.1"] * 4, "code 0, 2024-02-02.1"], (ran.stderr, told)
    assert told.count("The disk is full; the current release stays as it is.") == 3
    assert told.count("may not be written") == 1
    assert "Traceback" not in told
    assert "✓ accept" in told  # the third time it came as far as building
    assert shop.differences(undisturbed) == []
    var = shop.home / "var"
    with shop.at_home():
        lake.sweep()  # as the next night does first
    assert [file.name for file in (var / "work").iterdir()] == ["kept.duckdb"]
    assert [f for folder in ("release", "lake") for f in (var / folder).rglob(".*") if f.is_file()] == []
