"""A model that does not keep what it promises stops the night, and readers keep what they have."""

from __future__ import annotations

import shutil

import pytest

from tierwise import settings


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
    ],
)
def test_a_model_that_breaks_its_promise_stops_the_night(company, tmp_path, monkeypatch, model, from_, to, said):
    company.deliver("orders_2024-01-31.csv", [("o1", 1, "ann", "2024-01-31 09:00", "10.00", None)])
    project = tmp_path / "project"
    for folder in ("dbt_project", "expectations"):
        shutil.copytree(settings.PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("target", "logs"))
    file = project / "dbt_project" / "models" / f"{model}.sql"
    planted = file.read_text().replace(from_, to, 1)
    assert planted != file.read_text()
    file.write_text(planted)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(settings, "PROJECT", project)
        answer = company.tierwise("run", "--as-of", "2024-01-31")
    assert answer.code == 1
    for words in (model.rpartition("/")[2], *said):
        assert words in answer.said
    with company.at_home():
        assert not (settings.settings().releases / "current").exists()
    company.run("2024-01-31")
    assert company.marts("select count(*) from dim_customer_ids") == [(1,)]
