"""What the law wants a public service's site to say, the plan of the site, and the published rules.

The first three are read without a session; they hold nothing of a dossier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console.access import SESSION_S, Right
from dsync.console.visit import Site, Visit
from dsync.domain.paper import Block, Paper, heading, items, paragraph, table
from dsync.domain.rights import ALSO_ERASED, PURPOSE_AND_BASIS, durations, rights_over_data

_VARIABLE = re.compile(r"\{\w+\}")
_OF_LOGS = "réglé pour les journaux"
_MISSING = "non renseigné"
_DEFENDER = (
    "Si vous constatez un défaut d’accessibilité qui vous empêche d’accéder à un contenu ou à une "
    "fonction, que vous nous le signalez et que vous n’obtenez pas de réponse, vous pouvez écrire "
    "au Défenseur des droits (https://formulaire.defenseurdesdroits.fr), joindre son délégué dans "
    "votre département (https://www.defenseurdesdroits.fr/saisir/delegues), ou lui écrire par "
    "courrier, gratuitement, sans timbre : Défenseur des droits, Libre réponse 71120, "
    "75342 Paris CEDEX 07."
)


def mentions(site: Site) -> Paper:
    """Return « Mentions légales »."""
    section = site.section
    rows = [
        ("Site", section.name),
        ("Éditeur", section.entity or _MISSING),
        ("Directeur de la publication", section.director or _MISSING),
        ("Hébergeur", section.host or _MISSING),
        ("Contact", section.contact or _MISSING),
    ]
    return Paper(
        "Mentions légales",
        [
            table(("Rubrique", "Réponse"), rows),
            heading("Logiciel"),
            paragraph(
                "Ce site est fait avec dsync, un logiciel libre qui recopie les dossiers d’une "
                "démarche de Démarches Simplifiées et aide à les instruire."
            ),
        ],
    )


def personal_data(site: Site) -> Paper:
    """Return « Données personnelles », by the register and the configuration."""
    section = site.section
    return Paper(
        "Données personnelles",
        [
            paragraph(
                f"Responsable du traitement : {section.entity or _MISSING}. "
                f"Délégué à la protection des données : {section.dpo or _MISSING}."
            ),
            heading("Durées"),
            *_durations(site),
            heading("Finalité et base légale"),
            paragraph(PURPOSE_AND_BASIS),
            heading("Données"),
            paragraph(
                "Elles viennent de Démarches Simplifiées, et de ce que l’équipe fait sur ce site."
            ),
            table(("Ce qui est gardé", "Jusqu’à"), _register(site)),
            heading("Qui les voit"),
            items(
                [
                    "l’équipe de la démarche : administrateurs et instructeurs, ceux-ci parfois "
                    "pour les seuls dossiers de leurs groupes",
                    "le jury : les projets et leurs évaluations, sans aucun contact",
                    "les lecteurs : ni données personnelles, ni textes libres",
                ]
            ),
            *rights_over_data(section.dpo or section.contact or _MISSING),
            heading("Cookie"),
            paragraph(
                "Un seul, pour votre session : il est nécessaire au fonctionnement du site et "
                f"prend fin au bout de {SESSION_S // 3600} heures. Il n’y a ni mesure d’audience, "
                "ni contenu d’un autre site."
            ),
        ],
    )


def _register(site: Site) -> list[tuple[str, str]]:
    """Return what each table of personal data holds, and until when, as the register says.

    Without commands and keys, which are for operators.
    """
    held = [one for one in site.store.holdings() if one.columns]
    return [(_plain(one.contents), _plain(one.until)) for one in held]


def _plain(text: str) -> str:
    for pattern, plain in ((r" \(`[^`]*`\)", ""), (r"de `\[retention\] logs`", _OF_LOGS)):
        text = re.sub(pattern, plain, text)
    return text.replace("'", "’")


def _durations(site: Site) -> Iterator[Block]:
    ages = {n: one.configuration.retention.ages for n, one in site.workers.items()}
    shared = len({tuple(one.items()) for one in ages.values()}) == 1
    for number, given in list(ages.items())[: 1 if shared else None]:
        if not shared:
            yield heading(f"Démarche {number}", level=3)
        if given:
            yield durations(given)
        else:
            yield paragraph(
                "Aucun effacement par l’âge n’est réglé : un dossier est gardé tant que Démarches "
                "Simplifiées le garde. L’équipe\u00a0technique règle cet âge ([retention])."
            )
    yield paragraph(ALSO_ERASED)


def accessibility(site: Site) -> Paper:
    """Return « Accessibilité », the statement that the law asks for."""
    section = site.section
    entite = section.entity or "L’entité qui publie ce site"
    audited = (
        f"Ce site est {site.conformity} avec le référentiel général d’amélioration de "
        "l’accessibilité (RGAA), version 4 : aucun audit n’en a été fait."
    )
    return Paper(
        f"Accessibilité : {site.conformity}",
        [
            paragraph(
                f"{entite} s’engage à rendre ses sites accessibles, conformément à l’article 47 de "
                "la loi n° 2005-102 du 11 février 2005. Cette déclaration s’applique au site "
                f"« {section.name} »."
            ),
            heading("État de conformité"),
            *_written(section.accessibility or audited),
            paragraph("Toutes les pages se lisent sans JavaScript et s’utilisent au clavier."),
            heading("Signaler un défaut"),
            paragraph(
                "Pour être orienté vers une autre forme accessible, ou obtenir le contenu sous une "
                f"autre forme : {section.contact or _MISSING}."
            ),
            heading("Voies de recours"),
            paragraph(_DEFENDER),
        ],
    )


def _written(text: str) -> Iterator[Block]:
    """Yield the paragraphs and the lists of a text."""
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in part.splitlines()]
        if all(line.startswith("- ") for line in lines):
            yield items([line.removeprefix("- ") for line in lines])
        else:
            yield paragraph(" ".join(lines))


PUBLIC: Mapping[str, Callable[[Site], Paper]] = {
    "/accessibilite": accessibility,
    "/mentions-legales": mentions,
    "/donnees-personnelles": personal_data,
}
"""What is read without a session, by its address."""


def more(visit: Visit) -> Response:
    """Show the pages that the person may open, by place: the plan of the site."""
    return visit.page("plus.html")


def rules(visit: Visit) -> Response:
    """Show the published rules in force; 404: the démarche judges nothing."""
    programme = visit.worker.programme
    if programme is None or not visit.worker.configuration.judges:
        raise HTTPException(404, "Cette démarche n’a pas de règles publiées.")
    versions = list[tuple[str, datetime, int, int]]()
    if visit.may(Right.AGIR) and visit.grant.groupes is None:
        with visit.reading() as reader:
            since = {name: one["depuis_le"] for name, one in reader.verdicts.rules().items()}
            runs = reader.journal.judged_at([*since.values()])
            # Those of other démarches are stored, too.
            versions = [(name, at, *runs[at]) for name, at in since.items() if at in runs]
    paper = programme.rules_page(visit.now)
    return visit.page("regles.html", parts=[*_parts(paper)], versions=versions)


def _parts(paper: Paper) -> Iterator[Paper]:
    """Yield what is before the first heading, then each section, to be folded.

    Without columns of sentences with variables, which are for whom the rules are published.
    """
    title, blocks = paper.title, list[Block]()
    for block in paper.blocks:
        if block.kind == "h2":
            yield Paper(title, blocks)
            title, blocks = block.text, []
        else:
            columns = zip(*block.rows, strict=True)
            kept = [one for one in columns if not _VARIABLE.search(" ".join(one))]
            blocks.append(block._replace(rows=[*zip(*kept, strict=True)]))
    yield Paper(title, blocks)


PAGES = [
    ("GET", "/plus", more, Right.LIRE),
    ("GET", "/regles", rules, Right.LIRE),
]
