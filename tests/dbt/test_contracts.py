"""A model that does not keep what it promises stops the night, and readers keep what they have."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tierwise import settings


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of what a night runs, to be changed at will."""
    project = tmp_path_factory.mktemp("project")
    for folder in ("dbt_project", "expectations"):
        shutil.copytree(settings.PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("target", "logs"))
    return project


@pytest.mark.parametrize(
    ("model", "from_", "to", "said"),
    [
        ("marts/dim_customer_ids", "known_on,", "cast(known_on as varchar) as known_on,", ("contract",)),
        (
            "marts/dim_customer_ids",
            "from {{",
            "from (values (1), (2)) as twice (n) cross join {{",
            ("Grain broken: dim_customer_ids holds two rows of the same source, customer_id",),
        ),
        (
            "staging/stg_orders",
            "from versions",
            "from (values (1), (2)) as twice (n) cross join versions",
            ("Grain broken: stg_orders holds two rows of the same source, order_id, line_id, known_on",),
        ),
        (
            "marts/fct_orders",
            "lines.original_amount,",
            "lines.original_amount + 1 as original_amount,",
            ("money_is_conserved",),
        ),
    ],
)
def test_a_model_that_breaks_its_promise_stops_the_night(company, project, monkeypatch, model, from_, to, said):
    company.deliver("orders_2024-01-31.csv", [("o1", 1, "ann", "2024-01-31 09:00", "10.00", None)])
    with planted(project, monkeypatch, model, from_, to):
        answer = company.tierwise("run", "--as-of", "2024-01-31")
    assert answer.code == 1
    for words in (model.rpartition("/")[2], *said):
        assert words in answer.said
    with company.at_home():
        assert not (settings.settings().releases / "current").exists()
    company.run("2024-01-31")
    assert company.marts("select count(*) from dim_customer_ids") == [(1,)]


def test_what_fails_for_want_of_memory_is_built_again_by_one_thread(company, project, monkeypatch):
    """As on a machine where a model and its neighbour want more than there is; what depends on it comes after it."""
    company.deliver("orders_2024-01-31.csv", [("o1", 1, "ann", "2024-01-31 09:00", "10.00", None)])
    scarce = (
        "case when current_setting('threads') > 1 then error('Out of Memory Error: could not allocate') end as scarce"
    )
    model, last = "intermediate/history/int_purchase_cells__counted", "select * from counted"
    with planted(project, monkeypatch, model, last, f"select *, {scarce} from counted"):
        answer = company.tierwise("run", "--as-of", "2024-01-31")
    assert answer.code == 0, answer.said
    assert company.marts("select count(*) from dim_customer_ids") == [(1,)]


@contextmanager
def planted(project: Path, monkeypatch: pytest.MonkeyPatch, model: str, from_: str, to: str) -> Iterator[None]:
    """The nights in here run with a model that is written otherwise."""
    file = project / "dbt_project" / "models" / f"{model}.sql"
    right = file.read_text()
    wrong = right.replace(from_, to, 1)
    assert wrong != right
    file.write_text(wrong)
    try:
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(settings, "PROJECT", project)
            yield
    finally:
        file.write_text(right)
