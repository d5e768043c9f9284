"""The peers: packages that only the benchmarks need, in a folder of their own behind those of the environment."""

from __future__ import annotations

import hashlib
import importlib
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from tierwise.settings import PROJECT

LOCK = PROJECT / "benchmarks" / "requirements-peers.txt"
FOLDER = PROJECT / "var" / "benchmarks" / "peers"
_LOG = FOLDER.with_suffix(".log")


def install() -> None:
    """Install the pinned peers, each package's hash checked. Where that fails, `missing` says so."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    mark = FOLDER / "installed"
    if mark.exists() and mark.read_text() == wanted:
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "install", "-q", "-p", sys.executable] if uv.exists() else [sys.executable, "-m", "pip"]
    command += [] if uv.exists() else ["install", "-q"]
    with _LOG.open("w") as log:
        done = subprocess.run(
            [*command, "--target", str(FOLDER), "--no-deps", "--require-hashes", "-r", str(LOCK)],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode == 0:
        mark.write_text(wanted)


def missing(package: str) -> str | None:
    """Why a peer is not there; None if it is."""
    if not (FOLDER / "installed").exists():
        return f"{package} did not install; {_LOG.relative_to(PROJECT)} says why"
    return None


def load(package: str) -> Any:
    """Import a peer. What the environment has itself comes first."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return importlib.import_module(package)


def versions() -> dict[str, str]:
    return {one.metadata["Name"]: one.version for one in distributions(path=[str(FOLDER)])}
