"""Types of identifiers, so that a number that people see is not taken for an opaque id."""

from __future__ import annotations

from typing import NewType

DemarcheNumber = NewType("DemarcheNumber", int)
DossierNumber = NewType("DossierNumber", int)
GREATEST_NUMBER = 2**31 - 1
"""The greatest value of GraphQL's 32-bit Int, the type of both numbers in DS's schema."""
DossierId = NewType("DossierId", str)
"""Opaque id of a dossier; mutations need it."""
DescriptorId = NewType("DescriptorId", str)
"""Opaque id of a champ's descriptor, stable across revisions."""
RevisionId = NewType("RevisionId", str)
