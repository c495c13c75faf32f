"""Writes the views `lecture_*` as files for spreadsheets and other tools."""

from __future__ import annotations

from dsync.exports.datapackage import ENDINGS
from dsync.exports.export import Exported, export, tables_of

__all__ = ["ENDINGS", "Exported", "export", "tables_of"]
