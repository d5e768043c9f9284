"""The house rules as checks, and each check held against a planted violation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package and its rules, in which a test may break something."""
    shutil.copytree(ROOT / "plugins", tmp_path / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(house: Path, module: str, line: str) -> None:
    file = house / "plugins" / "tierwise" / f"{module}.py"
    file = file if file.exists() else file.with_suffix("") / "__init__.py"
    file.write_text(f"{file.read_text()}\n\n{line}\n")


def imports(house: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "lint-imports", "--no-cache"],
        cwd=house,
        env={"PATH": os.defpath, "PYTHONPATH": str(house / "plugins")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_go_one_way(house):
    found = imports(house)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("module", "line", "rule"),
    [
        ("landing", "from tierwise import release as _planted", "rooms do not know each other"),
        ("lake", "from tierwise import landing as _planted", "imports go down only"),
        ("control", "from tierwise import lake as _planted", "imports go down only"),
        ("settings", "from tierwise import control as _planted", "imports go down only"),
        ("release", "from tierwise import clock as _planted", "imports go down only"),
        ("release", "def _planted():\n    from airflow.sdk import dag", "know Airflow"),
        ("release", "import great_expectations", "Only quality knows Great Expectations"),
        ("quality", "from dbt.cli.main import dbtRunner", "Only warehouse knows dbt"),
    ],
)
def test_an_import_in_the_wrong_direction_is_found(house, module, line, rule):
    plant(house, module, line)
    found = imports(house)
    assert found.returncode != 0
    broken = found.stdout.split("Broken contracts")[1]
    assert rule in re.sub(r"\s+", " ", broken)


def test_a_module_without_a_room_is_found(house):
    (house / "plugins" / "tierwise" / "utils.py").write_text('"""Everything else."""\n')
    found = imports(house)
    assert found.returncode != 0
    assert "utils" in found.stdout


def style(folder: Path, code: str, place: str) -> str:
    found = subprocess.run(
        [BIN / "ruff", "check", "--config", ROOT / "pyproject.toml", "--stdin-filename", folder / place, "-"],
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
        "from datetime import date\n\nTODAY = date.today()\n",
        'import os\n\nHOME = os.environ["TIERWISE_HOME"]\n',
    ],
)
def test_a_room_that_asks_for_the_time_or_the_environment_is_found(code):
    assert "TID251" in style(ROOT, code, "plugins/tierwise/landing.py")


def test_the_clock_may_ask():
    assert "TID251" not in style(ROOT, "import os\n\nHOME = os.getcwd()\n", "plugins/tierwise/landing.py")
    assert "TID251" not in style(
        ROOT, "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n", "plugins/tierwise/clock.py"
    )


def what_the_plugin_scan_executes(plugins: Path, tmp_path: Path) -> set[str]:
    """The names under which Airflow's plugin scan leaves our files in `sys.modules`."""
    listing = (
        "import sys\n"
        "from airflow.plugins_manager import get_plugin_info\n"
        "get_plugin_info()\n"
        "print('\\n'.join(n for n, m in list(sys.modules.items()) if str(getattr(m, '__file__', '')).startswith(sys.argv[1])"
        " and not n.startswith('tierwise')))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", listing, str(plugins)],
        env={
            "PATH": os.defpath,
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


def test_airflow_executes_no_file_of_the_package_as_a_plugin(house, tmp_path):
    assert what_the_plugin_scan_executes(house / "plugins", tmp_path) == set()


def test_without_the_ignore_file_airflow_would_execute_the_package_file_by_file(house, tmp_path):
    (house / "plugins" / ".airflowignore").unlink()
    assert "settings" in what_the_plugin_scan_executes(house / "plugins", tmp_path)


def test_the_lock_names_no_registry_and_every_package_has_a_hash():
    lock = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"://|--index|--find-links|--extra", lock)
    packages = re.split(r"\n(?=[a-z0-9])", lock, flags=re.IGNORECASE)[1:]
    assert len(packages) > 100
    assert [p.split("==")[0] for p in packages if "--hash=sha256:" not in p] == []


def test_what_requirements_in_asks_for_is_locked():
    asked = re.findall(r"^([a-z0-9][a-z0-9.-]*)", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    locked = re.findall(r"^([a-z0-9][a-z0-9.-]*)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {name.replace(".", "-") for name in asked} - set(locked) == set()


def test_make_help_names_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = next(line for line in makefile.splitlines() if line.startswith(".PHONY:")).split()[1:]
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [name for name in targets if f"make {name} " not in told] == []
