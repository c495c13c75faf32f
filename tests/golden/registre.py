"""Generates docs/registre.md from the views' dictionary: `python -m tests.golden.registre --write`."""

from __future__ import annotations

import sys
from pathlib import Path

from dsync.database import EXTENSION
from dsync.store.extension import FREE_TEXT, PERSONAL
from dsync.store.reading_views import shipped_dictionary

PAGE = Path(__file__).parents[2] / "docs" / "registre.md"
HEAD = """\
# Données personnelles : fiche pour le registre des traitements

<!-- Generated from the dictionary of the views by `python -m tests.golden.registre --write`. -->

Cette fiche décrit ce que dsync conserve. Le responsable du traitement la complète dans son registre
(article 30 du RGPD) : finalité et base légale de l’appel à projets, coordonnées, délégué à la
protection des données, durées retenues.

| rubrique | ce que dsync fait |
|---|---|
| finalité technique | copier les dossiers d’une démarche, signaler si les critères publiés semblent réunis, suivre l’instruction |
| décision | aucune décision automatisée : le pré-contrôle est un avis, une personne décide dans Démarches Simplifiées |
| personnes concernées | contacts et sponsors des dossiers, usagers qui déposent, instructrices et instructeurs, évaluatrices et évaluateurs, personnes nommées dans une réponse libre |
| source | l’API de Démarches Simplifiées ; le catalogue de beta.gouv.fr et, si la configuration le demande, l’API Recherche d’entreprises (données sur les organismes) |
| destinataires | les rôles de lecture créés par `dsync db grant-reader` ; avec `--without-personal-data`, les colonnes ci-dessous sont vides |
| envois | vers Démarches Simplifiées seulement : le résultat, son détail, sa date et une étiquette ; au registre des entreprises, des numéros SIREN seulement |
| transferts hors de l’Union | aucun par dsync |

## Où, et combien de temps

| où | quoi | jusqu’à |
|---|---|---|
| la base de données | les réponses, les annotations, leurs valeurs antérieures, les verdicts et leurs preuves, ce qui a été écrit dans les dossiers, le journal | l’effacement du dossier dans Démarches Simplifiées, constaté au plus tard à la lecture suivante des suppressions (chaque heure) ; ou une demande, `dsync dossier erase N` ; ou la fin de la durée de conservation, `dsync purge --older-than 2y` |
| ce qui reste d’un dossier effacé | son numéro, son état, ses dates, le motif de l’effacement, le résultat de chaque contrôle sans texte ; les comptes de `lecture_indicateur` et `lecture_statistique` | la suppression de la base |
| les exports (`dsync export DIR`) | ce que les vues montrent au moment de l’export | leur suppression par qui les a demandés : dsync n’y revient pas |
| les sauvegardes, le journal de PostgreSQL, les réplicas | la base entière | la durée choisie pour eux ; voir « Personal data » dans [runbook.md](runbook.md) |
| les journaux du service | numéros de dossiers, comptes, codes d’erreur ; ni réponse, ni nom, ni jeton | la durée choisie pour eux |
| les pièces jointes | leur nom, leur taille, leur empreinte ; les fichiers restent dans Démarches Simplifiées | l’effacement du dossier |

Chaque effacement est inscrit au journal (`lecture_evenement`, événement `efface`), avec qui l’a demandé.

## Colonnes à caractère personnel

Les colonnes de texte libre peuvent nommer des personnes. Les vues `formulaire_*`, faites du
formulaire de chaque démarche, marquent leurs colonnes de la même façon : `dsync db dictionary`.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for view, entry in shipped_dictionary(EXTENSION).items():
        marked = [
            (name, "personnelle" if sentence.endswith(PERSONAL) else "texte libre", sentence)
            for name, sentence in entry["columns"].items()
            if sentence.endswith((PERSONAL, FREE_TEXT))
        ]
        if marked:
            parts.append(f"### `{view}`\n")
            parts.append(f"{entry['description']}\n")
            parts += ["| colonne | donnée | contenu |", "|---|---|---|"]
            parts += [f"| `{name}` | {kind} | {_bare(said)} |" for name, kind, said in marked]
            parts.append("")
    return "\n".join(parts)


def _bare(sentence: str) -> str:
    return sentence.removesuffix(PERSONAL).removesuffix(FREE_TEXT).strip()


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
