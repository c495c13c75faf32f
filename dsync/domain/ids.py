"""Identifiers, told apart by type: a number that people see is not an opaque id."""

from __future__ import annotations

from typing import NewType

DemarcheNumber = NewType("DemarcheNumber", int)
DossierNumber = NewType("DossierNumber", int)
GREATEST_NUMBER = 2**31 - 1
"""DS takes either as GraphQL's Int, of 32 bits (source: its schema)."""
DossierId = NewType("DossierId", str)
"""Opaque id of a dossier; mutations need it."""
DescriptorId = NewType("DescriptorId", str)
"""Opaque id of a champ's descriptor, stable across revisions."""
RevisionId = NewType("RevisionId", str)
