"""A mart that does not keep its contract stops the night, and readers keep what they have."""

from __future__ import annotations

import shutil

from tierwise import settings


def test_a_mart_of_another_type_than_its_contract_stops_the_night(company, tmp_path, monkeypatch):
    company.deliver("orders_2024-01-31.csv", [("o1", 1, "ann", "2024-01-31 09:00", "10.00", None)])
    project = tmp_path / "project"
    for folder in ("dbt_project", "expectations"):
        shutil.copytree(settings.PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("target", "logs"))
    model = project / "dbt_project" / "models" / "marts" / "dim_customer_ids.sql"
    planted = model.read_text().replace("known_on,", "cast(known_on as varchar) as known_on,", 1)
    assert planted != model.read_text()
    model.write_text(planted)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(settings, "PROJECT", project)
        answer = company.tierwise("run", "--as-of", "2024-01-31")
    assert answer.code == 1
    assert "dim_customer_ids" in answer.said
    assert "contract" in answer.said
    with company.at_home():
        assert not (settings.settings().releases / "current").exists()
    company.run("2024-01-31")
    assert company.marts("select count(*) from dim_customer_ids") == [(1,)]
