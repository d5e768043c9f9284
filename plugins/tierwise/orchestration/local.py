"""A real Airflow on this machine, with the nightly refresh in it: `make airflow`."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from tierwise.errors import Busy, Refusal
from tierwise.orchestration.environment import airflow_environment
from tierwise.settings import settings

PARTS = (
    ["api-server"],
    ["scheduler", "--skip-serve-logs"],  # its log server would listen on every address; the logs lie on this disk
    ["dag-processor"],
    ["triggerer", "--skip-serve-logs"],
)
"""What `airflow standalone` starts. It does not notice when one of them dies, and leaves them behind when killed."""

DAY = 24 * 60 * 60

console = Console(highlight=False)


def main(arguments: list[str]) -> int:
    """Start Airflow, say where it is, and stop all of it on Ctrl-C. Returns the exit code."""
    try:
        port = int(arguments[0]) if arguments else 8080
        _refuse_a_taken_port(port)
        return serve(port)
    except Refusal as refusal:
        console.print(refusal.sentence, style="bold red")
        console.print(f"What to do: {refusal.hint}")
        return refusal.exit_code


def serve(port: int) -> int:
    """Run the parts of Airflow in a process group of their own until one of them ends or somebody ends us."""
    environment = airflow_environment(port)
    # Left alone, each part may make up a secret of its own while the first one writes it down, and then trusts no other.
    environment["AIRFLOW__API_AUTH__JWT_SECRET"] = secrets.token_hex(32)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    os.environ.update(environment)
    log_file = settings().var / "logs" / "airflow.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    console.print(f"Airflow is starting, which takes about a minute. Its log: {log_file}")
    for way_to_end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(way_to_end, _end)
    parts: list[subprocess.Popen[Any]] = []
    try:
        with log_file.open("ab") as log:
            prepare = [sys.executable, "-m", "tierwise.orchestration.environment"]
            subprocess.run(prepare, stdout=log, stderr=log, check=True)
            for part in PARTS:
                group = parts[0].pid if parts else 0
                parts.append(subprocess.Popen(["airflow", *part], stdout=log, stderr=log, process_group=group))
        if _wait_until_ready(parts, port):
            _say_where(port)
            due = time.monotonic() + DAY
            while not _ended(parts):
                if time.monotonic() >= due:
                    due += DAY
                    with log_file.open("ab") as log:
                        retire = [sys.executable, "-m", "tierwise.orchestration.retention"]
                        subprocess.run(retire, stdout=log, stderr=log, check=False)
                time.sleep(1)
        console.print(f"A part of Airflow stopped; the end of {log_file} says why.", style="bold red", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nStopping Airflow …")
        return 0
    finally:
        stop(parts)


def stop(parts: list[subprocess.Popen[Any]]) -> None:
    """End every process of the group: asked first, then by force."""
    for way, patience in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
        if not parts or not _group_lives(parts[0].pid):
            return
        with suppress(ProcessLookupError):
            os.killpg(parts[0].pid, way)
        for _ in range(patience * 5):
            _ended(parts)
            if not _group_lives(parts[0].pid):
                return
            time.sleep(0.2)


def _ended(parts: list[subprocess.Popen[Any]]) -> bool:
    states = [part.poll() for part in parts]  # all of them: asking is also what takes an ended process off the table
    return any(state is not None for state in states)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _refuse_a_taken_port(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise Busy(f"Something else listens on port {port}.", hint=f"stop it, or: make airflow PORT={port + 1}")


def _wait_until_ready(parts: list[subprocess.Popen[Any]], port: int) -> bool:
    while not _ended(parts):
        if _is_healthy(port):
            return True
        time.sleep(1)
    return False


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
            state = json.load(answer)
        return all(state[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))
    except (OSError, ValueError, KeyError):
        return False


def _say_where(port: int) -> None:
    user, password = _who_may_log_in()
    console.print(
        f"""
Airflow is ready: [bold]http://127.0.0.1:{port}[/bold]  user [bold]{user}[/bold], password [bold]{password}[/bold]
The refresh runs each night at 02:00 of the company's time zone: DAG refresh_customer_tiers.
To run it now: press Trigger there. To stop Airflow: Ctrl-C here.""",
        soft_wrap=True,
    )


def _who_may_log_in() -> tuple[str, str]:
    passwords = settings().var / "airflow" / "simple_auth_manager_passwords.json.generated"
    with suppress(OSError, ValueError):
        for user, password in json.loads(passwords.read_text()).items():
            return user, password
    return "admin", f"in {passwords}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
