"""Where things are. The only reader of environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tierwise.errors import ConfigurationRefused

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """The places of one company's installation.

    `home` holds what people edit (`config/`) and what runs write (`var/`); `project` holds the code that
    dbt and Great Expectations read. They are the same folder unless TIERWISE_HOME says otherwise.
    """

    home: Path
    project: Path
    control_url: str
    memory: str | None

    @property
    def config(self) -> Path:
        return self.home / "config"

    @property
    def var(self) -> Path:
        return self.home / "var"

    @property
    def lake(self) -> Path:
        return self.var / "lake"

    @property
    def work(self) -> Path:
        return self.var / "work"

    @property
    def releases(self) -> Path:
        return self.var / "release"

    @property
    def dbt_project(self) -> Path:
        return self.project / "dbt_project"

    @property
    def expectations(self) -> Path:
        return self.project / "expectations"


def settings() -> Settings:
    """Read the environment: TIERWISE_HOME (default: the repository), TIERWISE_CONTROL_URL (default: SQLite) and
    TIERWISE_MEMORY, what the engine may take before it spills to disk, such as 4 GiB (default: what it thinks right).

    Raises ConfigurationRefused for a home whose path cannot stand in SQL.
    """
    home = Path(os.environ.get("TIERWISE_HOME") or PROJECT).resolve()
    unquotable = sorted(set(str(home)) & set("'*?["))
    if unquotable:
        raise ConfigurationRefused(
            f"The home folder {home} has {' and '.join(unquotable)} in its path, which SQL reads as something else.",
            hint="move or rename the folder, and set TIERWISE_HOME to its new place",
        )
    control_url = os.environ.get("TIERWISE_CONTROL_URL") or f"sqlite:///{home / 'var' / 'control.db'}"
    memory = os.environ.get("TIERWISE_MEMORY") or None
    return Settings(home=home, project=PROJECT, control_url=control_url, memory=memory)


def hand_over(**variables: str) -> None:
    """Give a value to a tool in this process that takes it from the environment only."""
    os.environ.update(variables)
