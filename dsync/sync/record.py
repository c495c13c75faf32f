"""Turns a typed dossier into the rows that the database stores, with hashes to detect changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.json import decode
from msgspec.structs import replace

from dsync.annotations.targets import AnnotationsConfig, resolve
from dsync.domain.conversation import conversation_of, with_sides
from dsync.domain.dossier import (
    LAYOUT_TYPES,
    Champ,
    Correction,
    Demandeur,
    Descriptor,
    Dossier,
    Etat,
    Json,
    Ligne,
    Message,
    Revision,
    Traitement,
    cells_of,
    stored_champs,
)
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.domain.json_bytes import digest_of, json_bytes
from dsync.programme import Form, Programme
from dsync.store import Record, StoredDossier
from dsync.sync.brakes.doubts import Forms

Descriptors = Mapping[DescriptorId, Descriptor]

_COLUMNS = {
    "dossier_id": "id",
    "revision_id": "revision_id",
    "archive": "archive",
    "depose_le": "date_depot",
    "en_construction_le": "date_passage_en_construction",
    "en_instruction_le": "date_passage_en_instruction",
    "traite_le": "date_traitement",
    "correction_attendue_depuis": "date_derniere_correction_en_attente",
    "usager_courriel": "usager_email",
    "mandataire_nom": "mandataire",
    "groupe_instructeur": "groupe_instructeur",
}
"""Columns of table `dossier` with the value of a field of `Dossier` as it is."""
_DATES = {
    "modifie_le": "date_derniere_modification",
    "champs_modifie_le": "date_derniere_modification_champs",
    "annotations_modifie_le": "date_derniere_modification_annotations",
    "expire_le": "date_expiration",
    "supprime_par_usager_le": "date_suppression_par_usager",
}
"""The same, of dates that can move while nothing else does."""
_COMPANY = ("siret", "siren", "raison_sociale", "forme_juridique_code")
"""Columns with the names of fields of `Demandeur`."""
_PERSON = {"demandeur_civilite": "civilite", "demandeur_nom": "nom", "demandeur_prenom": "prenom"}
"""Columns of table `dossier`, by what DS returns of a natural person."""
_ADDRESS = {
    "commune_code": "cityCode",
    "commune": "cityName",
    "departement_code": "departmentCode",
    "departement_nom": "departmentName",
    "region_code": "regionCode",
    "region_nom": "regionName",
}
"""The same of an organisation's address."""


@dataclass(frozen=True, slots=True)
class _KnownForm:
    """What is derived from a revision of the form, once per revision."""

    descriptors: Descriptors
    """Empty if DS does not give them: the types then come from the dossier's champs."""
    programme: Form | None
    owned_ids: frozenset[str]
    """Ids of the annotations that dsync writes."""
    inputs_signature: bytes
    signature: bytes


class Recorder:
    """Makes the records of dossiers; caches what it derives from each revision.

    The programme, if there is one, makes the rows of its own tables.
    """

    def __init__(self, programme: Programme | None, annotations: AnnotationsConfig | None) -> None:
        self._programme = programme
        self._annotations = annotations
        self._forms: dict[RevisionId, tuple[Revision, _KnownForm]] = {}

    def record(
        self,
        dossier: Dossier,
        demarche_number: DemarcheNumber,
        revision: Revision | None,
        corrections: Sequence[Correction] = (),
        unread: frozenset[str] = frozenset(),
    ) -> Record:
        """Return the record of a dossier.

        If DS does not give its revision, the form is derived from the dossier's own champs.
        Corrections are those that its usager was asked for before; `unread` names the parts
        that DS has never rendered, as in `belief.filled`.
        """
        form = (
            self._work_out(_descriptors_shown(dossier), is_known=False)
            if revision is None
            else self._form(revision)
        )
        champs = champs_of_form(dossier.champs, form.descriptors)
        annotations = champs_of_form(dossier.annotations, form.descriptors)
        messages = with_sides(dossier, (), ())
        dossier = replace(dossier, champs=champs, annotations=annotations, messages=messages)
        demandeur = dossier.demandeur
        # Without dsync's own: what it writes must not make the content another one.
        foreign = [a for a in annotations if a.descriptor_id not in form.owned_ids]
        owned: dict[str, Json] = {
            a.descriptor_id: a.contenu for a in annotations if a.descriptor_id in form.owned_ids
        }
        foreign_hash = digest_of(json_bytes(foreign)).encode()
        applicant = json_bytes([demandeur.genre, demandeur.details])
        inputs_hash = digest_of(
            form.inputs_signature, json_bytes(champs), applicant, json_bytes(dossier.date_depot)
        )
        return Record(
            numero=dossier.number,
            etat=dossier.etat,
            is_open=dossier.is_open,
            revision_id=dossier.revision_id,
            labels=dossier.labels,
            content_hash=digest_of(
                form.signature,
                inputs_hash.encode(),
                foreign_hash,
                self._envelope(dossier),
                # So that the same values are stored once more when DS has rendered all of them.
                *([json_bytes(sorted(unread))] if unread else []),
            ),
            inputs_hash=inputs_hash,
            annotations_hash=digest_of(foreign_hash, json_bytes(owned)),
            owned_ids=form.owned_ids,
            owned=owned,
            unread=unread,
            facts={
                "numero": dossier.number,
                "demarche_numero": demarche_number,
                "etat": dossier.etat.value,
                **{column: getattr(dossier, name) for column, name in _COLUMNS.items()},
                **{name: getattr(demandeur, name) for name in _COMPANY},
                "demandeur_type": demandeur.genre,
                **{name: demandeur.details.get(key) for name, key in _PERSON.items()},
                **{name: demandeur.address.get(key) or None for name, key in _ADDRESS.items()},
                "instructeurs": list(dossier.instructeurs),
            },
            dates={
                **{column: getattr(dossier, name) for column, name in _DATES.items()},
                **conversation_of(dossier)._asdict(),
            },
            contents={
                "numero": dossier.number,
                "demarche_numero": demarche_number,
                "demandeur": json_bytes(demandeur),
                "divers": json_bytes(_divers(dossier)),
                "traitements": json_bytes(dossier.traitements),
                "messages": None if messages is None else json_bytes(messages),
                "champs": json_bytes(cells_of(champs)),
                "annotations": json_bytes(cells_of(annotations)),
            },
            agents=tuple([one.email_agent for one in dossier.traitements]),
            programme={
                table: {**row, "demarche_numero": demarche_number}
                for table, row in (
                    form.programme.rows(dossier, corrections) if form.programme else {}
                ).items()
            },
        )

    def forms(self, known: Revision | None, shown: Revision | None) -> Forms:
        """Return a dossier's form in the copy beside that in DS; None: DS does not give it."""
        form = known or shown
        if form is None:
            return Forms({}, {})
        mapped = self._form(form).programme
        return Forms(
            known=form.descriptors,
            shown=(shown or form).descriptors,
            questions=mapped.questions if mapped else frozenset(),
            is_other=known is not None and shown is not None and known.id != shown.id,
        )

    def _form(self, revision: Revision) -> _KnownForm:
        known = self._forms.get(revision.id)
        # After the démarche was read again, its revision may have other descriptors.
        if known is None or known[0] is not revision:
            known = self._forms[revision.id] = (revision, self._work_out(revision.descriptors))
        return known[1]

    def _work_out(self, descriptors: Descriptors, *, is_known: bool = True) -> _KnownForm:
        programme = self._programme.form(descriptors) if self._programme else None
        owned_ids = resolve(self._annotations, descriptors.values()).owned_ids()
        return _KnownForm(
            descriptors=descriptors if is_known else {},
            programme=programme,
            owned_ids=owned_ids,
            inputs_signature=programme.inputs_signature if programme else b"",
            signature=(programme.signature if programme else b"") + json_bytes(sorted(owned_ids)),
        )

    def _envelope(self, dossier: Dossier) -> bytes:
        """Return what the content hash covers besides the champs and the applicant, as JSON.

        dsync's own labels are left out, and the dates of modification and expiry, which change
        without any edit.
        """
        owned_labels = self._annotations.owned_labels if self._annotations else frozenset()
        return json_bytes(
            [
                dossier.number,
                dossier.id,
                dossier.revision_id,
                dossier.etat,
                dossier.archive,
                dossier.date_depot,
                dossier.date_passage_en_construction,
                dossier.date_passage_en_instruction,
                dossier.date_traitement,
                dossier.date_suppression_par_usager,
                dossier.date_derniere_correction_en_attente,
                dossier.usager_email,
                dossier.groupe_instructeur,
                dossier.instructeurs,
                dossier.mandataire,
                _divers(dossier),
                [label for label in dossier.labels if label not in owned_labels],
                dossier.traitements,
            ]
        )


def champs_of_form(champs: Iterable[Champ], descriptors: Descriptors) -> tuple[Champ, ...]:
    """Return champs in the form in which they are stored, without headings and explanations.

    A champ's label and type are stored only if the form has no descriptor for it.
    """
    kept = []
    for champ in champs:
        descriptor = descriptors.get(champ.descriptor_id)
        type_ = descriptor.type if descriptor else champ.type
        if type_ in LAYOUT_TYPES and not champ.texte:
            continue
        lignes = champ.lignes
        if lignes:
            lignes = tuple([Ligne(r.id, champs_of_form(r.champs, descriptors)) for r in lignes])
        if descriptor:
            valeur = champ.valeur
            if valeur is None and champ.texte and type_ == "multiple_drop_down_list":
                valeur = choices_in(champ.texte, descriptor.options or ())
            # With the descriptor's id object, which all dossiers share, to save memory.
            champ = Champ(descriptor.id, champ.texte, valeur, lignes, champ.fichiers)
        elif lignes:
            champ = replace(champ, lignes=lignes)
        kept.append(champ)
    return tuple(kept)


def choices_in(text: str, options: Sequence[str]) -> list[Json] | None:
    """Return the options that a text joins by commas, which they may have themselves; else None."""
    parts, known = text.split(", "), frozenset(options)
    longest = max((one.count(", ") + 1 for one in known), default=0)
    # By how many parts of the text they are.
    found: dict[int, list[Json]] = {0: []}
    for end in range(1, len(parts) + 1):
        for start in range(max(0, end - longest), end):
            one = ", ".join(parts[start:end])
            if start in found and one in known and one not in found[start]:
                found[end] = [*found[start], one]
                break
    return found.get(len(parts))


def _divers(dossier: Dossier) -> dict[str, Json]:
    """Return the facts that have no column of their own."""
    return {
        "motivation": dossier.motivation,
        "depose_par_un_tiers": dossier.depose_par_un_tiers,
        "prerempli": dossier.prerempli,
    }


_to_demandeur = msgspec.json.Decoder(Demandeur)
_to_traitements = msgspec.json.Decoder(tuple[Traitement, ...])
_to_messages = msgspec.json.Decoder(tuple[Message, ...] | None)


def dossier_of(stored: StoredDossier) -> Dossier:
    """Return a stored dossier as it was read from DS, without headings and explanations.

    Raises:
        msgspec.DecodeError: its stored JSON was damaged.
    """
    facts, json = stored.facts, {name: text or b"null" for name, text in stored.contents.items()}
    kept = {name: getattr(facts, column) for column, name in (_COLUMNS | _DATES).items()}
    dossier = Dossier(
        number=stored.numero,
        etat=Etat(facts.etat),
        instructeurs=tuple(facts.instructeurs or ()),
        demandeur=_to_demandeur.decode(json["demandeur"]),
        champs=stored_champs(json["champs"]),
        annotations=stored_champs(json["annotations"]),
        labels=tuple(facts.labels or ()),
        traitements=_to_traitements.decode(json["traitements"]),
        messages=_to_messages.decode(json["messages"]),
        **kept,
        **decode(json["divers"]),
    )
    # As DS's instants were hashed; PostgreSQL's have a time zone.
    instants: dict[str, Any] = {
        name: value.astimezone(UTC)
        for name in Dossier.__struct_fields__
        if isinstance(value := getattr(dossier, name), datetime)
    }
    return replace(dossier, **instants)


def annotations_of(stored: bytes | None) -> dict[str, Json]:
    """Return the values of a dossier's annotations, stored as JSON, by the descriptor's id.

    Raises:
        msgspec.DecodeError: it was damaged.
    """
    return {champ.descriptor_id: champ.contenu for champ in stored_champs(stored)}


def has_its_cells(stored: StoredDossier, dossier: Dossier) -> bool:
    """Return whether the lists, which views read, are those of the champs that they give."""
    return all(
        decode(stored.contents[name] or b"[]") == decode(json_bytes(cells_of(champs)))
        for name, champs in (("champs", dossier.champs), ("annotations", dossier.annotations))
    )


def _descriptors_shown(dossier: Dossier) -> dict[DescriptorId, Descriptor]:
    """Return descriptors derived from a dossier's champs, for a form that DS does not give."""
    shown: dict[DescriptorId, Descriptor] = {}
    for champs, is_annotation in ((dossier.champs, False), (dossier.annotations, True)):
        for champ in champs:
            _show(shown, champ, None, is_annotation)
            for ligne in champ.lignes:
                for cell in ligne.champs:
                    _show(shown, cell, champ.descriptor_id, is_annotation)
    return shown


def _show(
    shown: dict[DescriptorId, Descriptor],
    champ: Champ,
    parent_id: DescriptorId | None,
    is_annotation: bool,
) -> None:
    # A champ without the id of its descriptor could not be found again.
    if champ.descriptor_id:
        descriptor = Descriptor(
            id=champ.descriptor_id,
            libelle=champ.libelle or "",
            type=champ.type or "",
            parent_id=parent_id,
            is_annotation=is_annotation,
        )
        # Each row of a repetition has the same champs.
        shown.setdefault(descriptor.id, descriptor)
