"""Champs and annotations → `Candidature`, by a plan that is worked out once a revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dsync.domain.candidature import Candidature, Evaluation, Note, Reponse, Voeu
from dsync.domain.dossier import Champ, Descriptor, Dossier
from dsync.domain.ids import DescriptorId
from dsync.mapping.champs import Ids, is_blank, is_blank_row, text_of
from dsync.mapping.config import (
    ANNOTATION_FIELDS,
    CHAMP_FIELDS,
    EVALUATIONS,
    VOEUX,
    MappingConfig,
)
from dsync.mapping.forms import match_fields
from dsync.mapping.scalars import boolean_of, day_of, departement_of, number_of, rank_of

DEPARTEMENT = "departement"
_READERS = {
    "jury_le": day_of,
    "convention_le": day_of,
    "candidatures_le": day_of,
    "entretiens_le": day_of,
    "prise_de_poste_le": day_of,
    "valide_par_instructeur": boolean_of,
}
"""Fields that are no text."""

Cells = Mapping[DescriptorId | None, Champ]
Places = tuple[tuple[str, DescriptorId | None], ...]
"""Fields, each with the descriptor that feeds it."""


@dataclass(frozen=True, slots=True)
class FormPlan:
    """Where one revision keeps everything: descriptor ids, None where it has none."""

    champs: Places
    annotations: Places
    columns: Mapping[str, DescriptorId | None]
    """Columns of `voeux` and `evaluations`, by `<repetition>.<column>`."""
    criteres: tuple[tuple[str, str, DescriptorId], ...]
    """The criteria that the revision has: name, label, descriptor id."""
    boxes: Ids
    """The form's checkboxes."""


def plan_form(config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]) -> FormPlan:
    """Work out where a form keeps each mapped field."""
    matches = match_fields(config, descriptors)
    ids = {match.field: match.descriptor.id if match.descriptor else None for match in matches}
    criteres = [
        (match.field.rpartition(".")[2], match.descriptor.libelle, match.descriptor.id)
        for match in matches
        if ".criteres." in match.field and match.descriptor
    ]
    return FormPlan(
        champs=tuple((name, ids.get(name)) for name in CHAMP_FIELDS),
        annotations=tuple((name, ids.get(name)) for name in ANNOTATION_FIELDS),
        columns={name: id_ for name, id_ in ids.items() if "." in name},
        criteres=tuple(criteres),
        boxes=frozenset(id_ for id_, d in descriptors.items() if d.type == "checkbox"),
    )


def read_candidature(dossier: Dossier, plan: FormPlan) -> Candidature:
    """Read a dossier in the programme's terms."""
    fields: dict[str, Any] = {}
    reponses: dict[str, Reponse] = {}
    for pairs, champs in (
        (plan.champs, dossier.champs),
        (plan.annotations, dossier.annotations),
    ):
        by_id: Cells = {champ.descriptor_id: champ for champ in champs}
        for name, id_ in pairs:
            champ = by_id.get(id_)
            if champ is None:
                reponses[name] = Reponse.NON_DEMANDE if id_ else Reponse.NON_ASSOCIE
            elif is_blank(champ, plan.boxes):
                reponses[name] = Reponse.VIDE
                if champ.valeur is False:
                    # An unchecked box is blank, and says « no » all the same.
                    fields[name] = _READERS.get(name, text_of)(champ)
            else:
                reponses[name] = Reponse.REMPLI
                if name == VOEUX:
                    fields[name] = _read_voeux(champ, plan)
                elif name == EVALUATIONS:
                    fields[name] = _read_evaluations(champ, plan)
                elif name == DEPARTEMENT:
                    fields["departement_code"], fields["departement_nom"] = departement_of(champ)
                else:
                    fields[name] = _READERS.get(name, text_of)(champ)
    return Candidature(
        numero=dossier.number,
        etat=dossier.etat,
        depose_le=dossier.date_depot,
        demandeur=dossier.demandeur,
        reponses=reponses,
        **fields,
    )


def _read_voeux(champ: Champ, plan: FormPlan) -> tuple[Voeu, ...]:
    """Read the wishes in the order of preference; one without it has its row's number.

    A form without a repetition asks for profiles in a list or a text: each is a wish.
    """
    if not champ.lignes:
        profils = champ.valeur if isinstance(champ.valeur, list) else [text_of(champ)]
        return tuple(
            Voeu(rang, str(profil), None) for rang, profil in enumerate(profils, start=1) if profil
        )
    columns = plan.columns
    voeux = []
    for number, ligne in enumerate(champ.lignes, start=1):
        if is_blank_row(ligne, plan.boxes):
            continue
        cells: Cells = {cell.descriptor_id: cell for cell in ligne.champs}
        ordre = cells.get(columns.get("voeux.ordre"))
        rang = rank_of(ordre) if ordre else None
        voeux.append(
            Voeu(
                rang=number if rang is None else rang,
                profil=_text(cells, columns.get("voeux.profil")),
                missions=_text(cells, columns.get("voeux.missions")),
            )
        )
    return tuple(sorted(voeux, key=lambda voeu: voeu.rang))


def _read_evaluations(champ: Champ, plan: FormPlan) -> tuple[Evaluation, ...]:
    """Read the grids that somebody filled."""
    return tuple(
        _read_evaluation(number, ligne.champs, plan)
        for number, ligne in enumerate(champ.lignes, start=1)
        if not is_blank_row(ligne, plan.boxes)
    )


def _read_evaluation(number: int, champs: Sequence[Champ], plan: FormPlan) -> Evaluation:
    columns = plan.columns
    cells: Cells = {cell.descriptor_id: cell for cell in champs}
    notes = []
    for critere, libelle, id_ in plan.criteres:
        cell = cells.get(id_)
        notes.append(Note(critere, libelle, number_of(cell) if cell else None))
    return Evaluation(
        ligne=number,
        moment=_text(cells, columns.get("evaluations.moment")),
        evaluateur=_text(cells, columns.get("evaluations.evaluateur")),
        commentaire=_text(cells, columns.get("evaluations.commentaire")),
        notes=tuple(notes),
    )


def _text(cells: Cells, id_: DescriptorId | None) -> str | None:
    cell = cells.get(id_)
    return text_of(cell) if cell else None
