"""Typed dossier → `Candidature`, by a plan that was worked out once for the revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from dsync.domain.dossier import Champ, Dossier, Ligne
from dsync.domain.ids import DescriptorId
from dsync.eig.candidature import (
    Candidature,
    Evaluation,
    Note,
    Reponse,
    Voeu,
    declared_fields,
)
from dsync.eig.mapping.champs import Ids, is_blank, is_blank_row, text_of
from dsync.eig.mapping.config import EVALUATIONS, VOEUX
from dsync.eig.mapping.scalars import boolean_of, day_of, departement_of, number_of, rank_of

DEPARTEMENT = "departement"
# Looking a member up in its class takes longer than the rest of a field's reading.
_NON_ASSOCIE, _NON_DEMANDE, _VIDE, _REMPLI = Reponse

Cells = Mapping[DescriptorId | None, Champ]
Lignes = list[tuple[int, Cells]]
"""Rows that somebody filled, by their number."""
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


def read_candidature(dossier: Dossier, plan: FormPlan) -> Candidature:
    """Read a dossier in the programme's terms."""
    fields: dict[str, Any] = {}
    reponses: dict[str, Reponse] = {}
    for places, champs in (
        (plan.champs, dossier.champs),
        (plan.annotations, dossier.annotations),
    ):
        by_id: Cells = {champ.descriptor_id: champ for champ in champs}
        for name, id_ in places:
            champ = by_id.get(id_)
            if champ is None:
                reponses[name] = _NON_DEMANDE if id_ else _NON_ASSOCIE
            elif champ.lignes:
                lignes = _filled(champ.lignes, plan)
                reponses[name] = _REMPLI if lignes else _VIDE
                fields[name] = _read_lignes(name, champ, lignes, plan)
            else:
                reponses[name] = _VIDE if is_blank(champ, plan.boxes) else _REMPLI
                if name == DEPARTEMENT:
                    fields["departement_code"], fields["departement_nom"] = departement_of(champ)
                else:
                    fields[name] = _READERS[name](champ)
    return Candidature(
        numero=dossier.number,
        depose_le=dossier.date_depot,
        demandeur=replace(dossier.demandeur, details={}),
        reponses=reponses,
        **fields,
    )


def _filled(lignes: Iterable[Ligne], plan: FormPlan) -> Lignes:
    return [
        (number, {cell.descriptor_id: cell for cell in ligne.champs})
        for number, ligne in enumerate(lignes, start=1)
        if not is_blank_row(ligne, plan.boxes)
    ]


def _read_lignes(name: str, champ: Champ, lignes: Lignes, plan: FormPlan) -> Any:
    """Read a repetition; a field whose champ became one keeps its readable text."""
    if name == VOEUX:
        return _read_voeux(lignes, plan)
    if name == EVALUATIONS:
        return tuple([_read_evaluation(number, cells, plan) for number, cells in lignes])
    return _READERS[name](champ)


def _read_voeux(lignes: Lignes, plan: FormPlan) -> tuple[Voeu, ...]:
    """Read the wishes in the order of preference; one without it has its row's number."""
    columns = plan.columns
    voeux = []
    for number, cells in lignes:
        ordre = cells.get(columns.get("voeux.ordre"))
        rang = rank_of(ordre) if ordre else None
        voeux.append(
            Voeu(
                rang=number if rang is None else rang,
                profil=_text(cells, columns.get("voeux.profil")),
                missions=_text(cells, columns.get("voeux.missions")),
            )
        )
    return tuple(sorted(voeux, key=_rang))


def _voeux_in(champ: Champ) -> tuple[Voeu, ...]:
    """Read the wishes of a form that asks for profiles in a list or a text: each is a wish."""
    profils = champ.valeur if isinstance(champ.valeur, list) else [text_of(champ)]
    return tuple(
        [Voeu(rang, str(profil), None) for rang, profil in enumerate(profils, start=1) if profil]
    )


def _read_evaluation(number: int, cells: Cells, plan: FormPlan) -> Evaluation:
    columns = plan.columns
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


_rang = attrgetter("rang")
_BY_TYPE: Mapping[Any, Callable[[Champ], Any]] = {
    str | None: text_of,
    date | None: day_of,
    bool | None: boolean_of,
    int | None: rank_of,
    float | None: number_of,
}
_READERS: Mapping[str, Callable[[Champ], Any]] = {
    **{name: _BY_TYPE[Candidature.model_fields[name].annotation] for name, _ in declared_fields()},
    VOEUX: _voeux_in,
    EVALUATIONS: lambda _champ: (),
}
"""How each field is read: by the type with which it is declared."""
