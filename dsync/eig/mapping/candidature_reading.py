"""Converts a typed dossier into its row of the table `candidature`, by the revision's plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec.structs import replace

from dsync.domain.champs import (
    DescriptorIds,
    boolean_of,
    day_of,
    departement_of,
    is_blank,
    is_blank_row,
    number_of,
    rank_of,
    text_of,
)
from dsync.domain.dossier import Champ, Dossier, Json, Ligne
from dsync.domain.ids import DescriptorId
from dsync.eig.candidature import (
    BLANK,
    Candidature,
    Grille,
    Reponse,
    Voeu,
    declared_fields,
)
from dsync.eig.grids import weighed
from dsync.eig.mapping.mapping_section import EVALUATIONS, PROFIL, VOEUX

_DEPARTEMENT = "departement"

Cells = Mapping[DescriptorId | None, Champ]
_Lignes = list[tuple[int, Cells]]
"""The rows that are not blank, with their numbers from 1."""
_FieldIds = tuple[tuple[str, DescriptorId | None], ...]
"""Fields with the descriptor id of their champ; None if the revision has none."""


@dataclass(frozen=True, slots=True)
class FormPlan:
    """Where one revision of the form has each field."""

    champs: _FieldIds
    annotations: _FieldIds
    columns: Mapping[str, DescriptorId | None]
    """Descriptor ids of the columns of `voeux` and `evaluations`, by `<repetition>.<column>`."""
    criteres: tuple[tuple[str, str, DescriptorId], ...]
    """The criteria of the evaluation grid in this revision: name, label, descriptor id."""
    extras: Mapping[str, str]
    """The types of the champs that no field declares, by their names in `extra`."""
    checkboxes: DescriptorIds
    """Descriptor ids of the checkboxes."""


def read_candidature(dossier: Dossier, plan: FormPlan) -> dict[str, Any]:
    """Return the columns of a dossier's candidature that the mapping fills."""
    reponses: dict[str, Reponse] = {}
    extra: dict[str, Json] = {}
    fields: dict[str, Any] = {
        **BLANK,
        "numero": dossier.number,
        "depose_le": dossier.date_depot,
        "demandeur": replace(dossier.demandeur, details={}),
        "reponses": reponses,
        "extra": extra,
    }
    for places, champs in (
        (plan.champs, dossier.champs),
        (plan.annotations, dossier.annotations),
    ):
        by_id: Cells = {champ.descriptor_id: champ for champ in champs}
        for name, id_ in places:
            champ = by_id.get(id_)
            if champ is None:
                reponses[name] = Reponse.NON_DEMANDE if id_ else Reponse.NON_ASSOCIE
                continue
            # DS gives each mandatory or private repetition an empty row at creation, which is no
            # answer.
            lignes = _filled(champ.lignes, plan) if champ.lignes else []
            is_empty = not lignes if champ.lignes else is_blank(champ, plan.checkboxes)
            reponses[name] = Reponse.VIDE if is_empty else Reponse.REMPLI
            if name == _DEPARTEMENT:
                fields["departement_code"], fields["departement_nom"] = departement_of(champ)
            elif name == VOEUX and champ.lignes:
                fields[name] = _read_voeux(lignes, plan)
                profil = plan.columns.get(PROFIL)
                # Rows without the column say nothing about the profiles: taken for blank ones, they
                # would make each dossier « Inéligible ».
                if lignes and not any(profil in cells for _, cells in lignes):
                    reponses[name] = Reponse.NON_DEMANDE if profil else Reponse.NON_ASSOCIE
            elif name == EVALUATIONS:
                fields[name], fields["bilan"] = weighed(
                    _read_grille(number, cells, plan) for number, cells in lignes
                )
                if lignes:
                    fields["criteres"] = tuple([name for name, *_ in plan.criteres])
                    fields["criteres_libelles"] = tuple([label for _, label, _ in plan.criteres])
            elif name in plan.extras:
                if not is_empty:
                    extra[name] = _EXTRA_READERS.get(plan.extras[name], text_of)(champ)
            else:
                # A field whose champ became a repetition gets the joined texts of its rows.
                fields[name] = _READERS[name](champ)
    return fields


def _filled(lignes: Iterable[Ligne], plan: FormPlan) -> _Lignes:
    return [
        (number, {cell.descriptor_id: cell for cell in ligne.champs})
        # Numbered before the blank rows are left out, so that a row keeps its number.
        for number, ligne in enumerate(lignes, start=1)
        if not is_blank_row(ligne, plan.checkboxes)
    ]


def _read_voeux(lignes: _Lignes, plan: FormPlan) -> tuple[Voeu, ...]:
    """Read the wishes in order of preference; without a preference the row's number counts."""
    columns = plan.columns
    voeux = []
    for number, cells in lignes:
        ordre = cells.get(columns.get("voeux.ordre"))
        rang = rank_of(ordre) if ordre else None
        voeux.append(
            Voeu(
                rang=number if rang is None else rang,
                profil=_text(cells, columns.get(PROFIL)),
                missions=_text(cells, columns.get("voeux.missions")),
            )
        )
    # A stable sort: wishes of the same rank stay in the order of the form.
    return tuple(sorted(voeux, key=lambda voeu: voeu.rang))


def _voeux_in(champ: Champ) -> tuple[Voeu, ...]:
    """Read the wishes in a form that asks for profiles by a list or a text."""
    profils = champ.valeur if isinstance(champ.valeur, list) else [text_of(champ)]
    return tuple(
        Voeu(rang, str(profil), None) for rang, profil in enumerate(profils, start=1) if profil
    )


def _read_grille(number: int, cells: Cells, plan: FormPlan) -> Grille:
    columns = plan.columns
    marked = [cells.get(id_) for *_, id_ in plan.criteres]
    return Grille(
        ligne=number,
        moment=_text(cells, columns.get("evaluations.moment")),
        evaluateur=_text(cells, columns.get("evaluations.evaluateur")),
        commentaire=_text(cells, columns.get("evaluations.commentaire")),
        notes=tuple([number_of(cell) if cell else None for cell in marked]),
    )


def _text(cells: Cells, id_: DescriptorId | None) -> str | None:
    cell = cells.get(id_)
    return text_of(cell) if cell else None


_BY_TYPE: Mapping[Any, Callable[[Champ], Any]] = {
    str | None: text_of,
    date | None: day_of,
    bool | None: boolean_of,
    int | None: rank_of,
    float | None: number_of,
}
_EXTRA_READERS: Mapping[str, Callable[[Champ], Any]] = {
    "date": lambda champ: (day := day_of(champ)) and day.isoformat(),
    "integer_number": rank_of,
    "decimal_number": number_of,
    "checkbox": boolean_of,
    "yes_no": boolean_of,
}
"""The function that reads an extra champ, by its type; other types are texts."""
_READERS: Mapping[str, Callable[[Champ], Any]] = {
    **{name: _BY_TYPE[Candidature.model_fields[name].annotation] for name, _ in declared_fields()},
    VOEUX: _voeux_in,
}
"""The function that reads each field, chosen by the field's declared type."""
