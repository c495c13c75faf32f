"""What the law wants a public service's site to say, the plan of the site, and the published rules.

The first three are read without a session; they hold nothing of a dossier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console.access import SESSION_S, Right
from dsync.console.visit import Site, Visit
from dsync.domain.dossier import Revision
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


class _Version(NamedTuple):
    """A published version of the form."""

    published: datetime
    dossiers: int
    changes: Sequence[str]
    """What the version before it did not have so; of the first, nothing."""


def form(visit: Visit) -> Response:
    """Show the published versions of the form, the newest first, and what each changed."""
    visit.need_all()
    with visit.reading() as reader:
        stored = [one for one in reader.demarche.revisions().values() if one.date_publication]
        counts = reader.demarche.counts_by_revision()
        versions, before = list[_Version](), None
        for one in sorted(stored, key=lambda one: (one.date_publication, one.id)):
            changes = list(_changes(before, one)) if before else list[str]()
            assert one.date_publication is not None  # noqa: S101
            versions.append(_Version(one.date_publication, counts.get(one.id, 0), changes))
            before = one
        return visit.page("formulaire.html", versions=versions[::-1])


def _changes(before: Revision, after: Revision) -> Iterator[str]:
    for name, was in before.descriptors.items():
        if name not in after.descriptors:
            yield f"retiré : « {was.libelle} »"
    for name, one in after.descriptors.items():
        kind = "annotation" if one.is_annotation else "question"
        former = before.descriptors.get(name)
        if former is None:
            yield f"ajouté ({kind}) : « {one.libelle} »"
            continue
        if former.libelle != one.libelle:
            yield f"renommé : « {former.libelle} » → « {one.libelle} »"
        if former.type != one.type:
            yield f"« {one.libelle} » : type {former.type} → {one.type}"
        if former.required != one.required:
            yield f"« {one.libelle} » : {'devenu obligatoire' if one.required else 'facultatif'}"
        had, has = former.options or (), one.options or ()
        if gone := [option for option in had if option not in has]:
            yield f"« {one.libelle} » : options retirées : {' ; '.join(gone)}"
        if new := [option for option in has if option not in had]:
            yield f"« {one.libelle} » : options ajoutées : {' ; '.join(new)}"


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
    ("GET", "/formulaire", form, Right.AGIR),
]
