# Airflow, dbt, Great Expectations and Tierwise in one image. What people edit and what runs write is mounted.
FROM python:3.11-slim

WORKDIR /opt/tierwise
COPY requirements.txt requirements-postgres.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt -r requirements-postgres.txt

COPY pyproject.toml ./
COPY plugins plugins
COPY dags dags
COPY dbt_project dbt_project
COPY expectations expectations
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && useradd --uid 1000 --gid 0 --no-create-home tierwise

ENV AIRFLOW_HOME=/opt/tierwise/var/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/tierwise/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/tierwise/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/opt/tierwise/var/logs/airflow \
    DO_NOT_TRACK=1 \
    PYTHONUNBUFFERED=1
USER 1000
CMD ["tierwise", "--help"]
