"""The refresh as Airflow runs it: the only place that imports Airflow."""
