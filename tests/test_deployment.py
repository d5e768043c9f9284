"""The grown-up deployment, as far as it can be held against something without a container engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ROOT / "docker-compose.yml"


def complaints(file: Path) -> str:
    checker = Path(sys.executable).parent / "check-jsonschema"
    ran = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", file], capture_output=True, text=True, check=False
    )
    return "" if ran.returncode == 0 else ran.stdout


@pytest.fixture(scope="module")
def services():
    return YAML(typ="safe").load(COMPOSE)["services"]


def test_the_compose_file_is_one():
    assert complaints(COMPOSE) == ""


def test_a_misspelt_key_is_found(tmp_path):
    misspelt = tmp_path / "docker-compose.yml"
    misspelt.write_text(COMPOSE.read_text().replace("command: [airflow, scheduler]", "comand: [airflow, scheduler]"))
    assert "comand" in complaints(misspelt)


def test_every_part_of_airflow_is_there_and_watched(services):
    parts = {"api-server", "scheduler", "dag-processor", "triggerer"}
    assert set(services) == parts | {"secrets", "postgres", "init", "retention"}
    assert all("healthcheck" in services[part] for part in parts | {"postgres"})


def test_nothing_listens_beyond_this_machine(services):
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1:8080:8080"]


def test_no_secret_stands_in_the_file(services):
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|CONN", name):
                assert name.endswith(("_CMD", "_FILE")), name
                assert "/run/tierwise/" in value


def test_the_image_installs_only_what_is_locked():
    image = (ROOT / "Dockerfile").read_text()
    for install in re.findall(r"pip install (.*)", image):
        assert "--no-deps" in install
        assert "--require-hashes" in install or "-e ." in install
