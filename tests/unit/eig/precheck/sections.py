"""The `[regles]` section as settings read it."""

from __future__ import annotations

from pydantic import TypeAdapter

from dsync.eig.precheck import RulesConfig

rules_of = TypeAdapter(RulesConfig).validate_python
"""Check a table and return the rules it holds."""
