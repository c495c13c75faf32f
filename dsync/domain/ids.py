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


def number_of(text: str) -> int | None:
    """Return the number of a dossier, a démarche or a row from its text, None if it is none."""
    # Python refuses to convert thousands of digits, and databases numbers of more than 64 bits.
    number = int(text) if text.isdecimal() and len(text) < 20 else 0
    return number if 1 <= number <= GREATEST_NUMBER else None
