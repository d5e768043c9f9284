"""What a refresh leaves for others to wait for."""

from airflow.sdk import Asset

RELEASE = Asset("tierwise://release")
