"""A real Airflow on this machine, with the nightly refresh in it: `make airflow`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tierwise.errors import Busy, Refusal
from tierwise.orchestration.environment import airflow_environment
from tierwise.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

console = Console(highlight=False)
_PATIENCE = 300


def main(arguments: list[str]) -> int:
    """Start Airflow, say where it is, and stop all of it on Ctrl-C. Returns the exit code."""
    try:
        port = int(arguments[0]) if arguments else 8080
        _refuse_a_taken_port(port)
        return serve(port)
    except Refusal as refusal:
        console.print(refusal.sentence, style="bold red")
        console.print(refusal.hint)
        return refusal.exit_code


def serve(port: int) -> int:
    """Run `airflow standalone` in a process group of its own until it ends or somebody ends us."""
    environment = airflow_environment(port)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    os.environ.update(environment)
    log_file = settings().var / "logs" / "airflow.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    console.print(f"Airflow is starting, which takes about a minute. Its log: {log_file}")
    for way_to_end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(way_to_end, _end)
    with log_file.open("ab") as log:
        prepare = [sys.executable, "-m", "tierwise.orchestration.environment"]
        subprocess.run(prepare, stdout=log, stderr=log, check=True)
        airflow = subprocess.Popen(["airflow", "standalone"], stdout=log, stderr=log, start_new_session=True)
    try:
        _say_when_ready(airflow, port, log_file)
        return airflow.wait()
    except KeyboardInterrupt:
        console.print("\nStopping Airflow …")
        return 0
    finally:
        stop(airflow)


def stop(airflow: subprocess.Popen[Any]) -> None:
    """End every process of the group: asked first, then by force."""
    for way, patience in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
        with suppress(ProcessLookupError):
            os.killpg(airflow.pid, way)
        for _ in range(patience * 5):
            airflow.poll()
            if not _group_lives(airflow.pid):
                return
            time.sleep(0.2)


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


def _say_when_ready(airflow: subprocess.Popen[Any], port: int, log_file: Path) -> None:
    for healthy in _health(port):
        if airflow.poll() is not None:
            console.print(f"Airflow stopped while it was starting; the end of {log_file} says why.", style="bold red")
            return
        if healthy:
            break
    user, password = _who_may_log_in()
    console.print(
        f"\nAirflow is ready: [bold]http://127.0.0.1:{port}[/bold]  user [bold]{user}[/bold], password [bold]{password}[/bold]"
    )
    console.print("The refresh runs each night at 02:00 of the company's time zone: DAG refresh_customer_tiers.")
    console.print("To run it now: press Trigger there. To stop Airflow: Ctrl-C here.")


def _health(port: int) -> Iterator[bool]:
    for _ in range(_PATIENCE):
        time.sleep(1)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
                state = json.load(answer)
            yield all(state[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))
        except (OSError, ValueError, KeyError):
            yield False


def _who_may_log_in() -> tuple[str, str]:
    passwords = settings().var / "airflow" / "simple_auth_manager_passwords.json.generated"
    with suppress(OSError, ValueError):
        for user, password in json.loads(passwords.read_text()).items():
            return user, password
    return "admin", f"in {passwords}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
