"""Writes the views `lecture_*` as files for spreadsheets and other tools."""

from __future__ import annotations

ENDINGS = {"csv": "csv", "csv-fr": "csv", "csv-raw": "csv", "xlsx": "xlsx", "parquet": "parquet"}
"""The formats, with the endings of their files."""
