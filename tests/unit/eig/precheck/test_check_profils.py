"""`profils`: the wished profiles, and those on offer at the deposit."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dsync.eig.candidature import Voeu
from tests.unit.eig.precheck.builders import check, load_rules

PRODUIT = "Directeur ou directrice de produit"
TECHNIQUE = "Directeur ou directrice technique"
IMPACT = "Directeur ou directrice d’impact"
MAY = datetime(2024, 5, 20, tzinfo=UTC)
NOVEMBER = datetime(2024, 11, 20, tzinfo=UTC)


def voeux(*profils: str | None) -> tuple[Voeu, ...]:
    """Return wishes in this order."""
    return tuple(Voeu(rang, profil, "…") for rang, profil in enumerate(profils, 1))


@pytest.mark.parametrize(
    ("profils", "depose_le", "resultat"),
    [
        ([PRODUIT], MAY, "conforme"),
        ([PRODUIT, TECHNIQUE], MAY, "conforme"),
        ([PRODUIT, PRODUIT, TECHNIQUE], MAY, "conforme"),
        ([PRODUIT, None, " "], MAY, "conforme"),
        (["directrice de PRODUIT"], MAY, "conforme"),
        (["CTO, direction technique"], MAY, "conforme"),
        ([PRODUIT, "Directrice de produit", TECHNIQUE], MAY, "conforme"),
        ([IMPACT], NOVEMBER, "conforme"),
        ([IMPACT], datetime(2024, 8, 18, 22, tzinfo=UTC), "conforme"),
        ([IMPACT], datetime(2024, 8, 18, 21, 59, tzinfo=UTC), "a_verifier"),
        ([IMPACT], MAY, "a_verifier"),
        ([IMPACT, PRODUIT], MAY, "a_verifier"),
        ([PRODUIT, TECHNIQUE, IMPACT], NOVEMBER, "a_verifier"),
        (["Data scientist"], MAY, "a_verifier"),
        ([PRODUIT, "Data scientist"], MAY, "a_verifier"),
        (["Directeur technique et produit"], MAY, "a_verifier"),
        ([], MAY, "a_verifier"),
        (["", "  "], MAY, "a_verifier"),
    ],
)
def test_each_row_of_the_specification(
    profils: list[str | None], depose_le: datetime, resultat: str
) -> None:
    """One or two profiles on offer are conforme; each counts once, in any wording."""
    answer = check("profils", voeux=voeux(*profils), depose_le=depose_le)
    assert answer.resultat == resultat


def test_a_profile_may_be_on_offer_until_a_day() -> None:
    """The last day is included."""
    profil = {"libelles": [PRODUIT], "au": date(2024, 5, 20)}
    exige = {"colonne": "voeux.profil", "parmi": [profil]}
    rules = load_rules(profils={"exige": exige})
    later = datetime(2024, 5, 21, 8, tzinfo=UTC)
    assert check("profils", with_rules=rules).resultat == "conforme"
    assert check("profils", with_rules=rules, depose_le=later).resultat == "a_verifier"
