"""The section `[regles]` as the settings read it."""

from __future__ import annotations

from pydantic import TypeAdapter

from dsync.eig.precheck.rules_section import RulesConfig

rules_of = TypeAdapter(RulesConfig).validate_python
"""Validate a table as the settings do."""
