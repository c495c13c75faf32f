"""Writes the views `lecture_*` as files for spreadsheets and other tools."""

from __future__ import annotations

from dsync.exports.export import Exported, export, tables_of

__all__ = ["Exported", "export", "tables_of"]
