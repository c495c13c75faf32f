"""The resolvers: of queries, with the pages of lists, and of mutations, with DS's refusals.

A field without a resolver here has the attribute or the key of the same name in snake case, or the
one that `@from` names in ``schema.graphql``.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any, Self, TypeAlias

from graphql import GraphQLError

from dsync.sandbox import opaque_ids
from dsync.sandbox.call import (
    Call,
    Info,
    Resolve,
    ServerFailure,
    invalid_input,
    not_found,
)
from dsync.sandbox.edits import Changes, RefusalError, write
from dsync.sandbox.model import (
    ChampDescriptor,
    Deletion,
    Groupe,
    Label,
    ServedDemarche,
    ServedDossier,
    Source,
    by_id,
)
from dsync.sandbox.scalars import (
    ASKED_TYPES,
    ServedChamp,
    ServedFile,
    champs_of,
    file_path,
    files_of,
    iso,
)

_MAX_PAGE = 100

Key = tuple[datetime, int]
Place = ServedDemarche | Groupe
"""An object with lists of dossiers: a démarche, or one of its groupes."""


@dataclass
class Connection:
    """A list of which a page is asked; its page is made where DS reports a bad cursor."""

    all: Sequence[Key]
    value_of: Callable[[Key], Any]
    first: int | None = None
    after: str | None = None

    @property
    def nodes(self) -> list[Any]:
        """The values of the page."""
        return [self.value_of(key) for key in self._page()[0]]

    @property
    def page_info(self) -> Self:
        """What has the fields of `PageInfo`."""
        return self

    @property
    def has_next_page(self) -> bool:
        """Whether more follow."""
        return self._page()[1]

    @property
    def end_cursor(self) -> str | None:
        """The position of the page's last value."""
        keys, _ = self._page()
        return cursor_of(keys[-1]) if keys else None

    def _page(self) -> tuple[Sequence[Key], bool]:
        """Return the page's keys, and whether more follow."""
        start, size = 0, _MAX_PAGE if self.first is None else max(0, min(_MAX_PAGE, self.first))
        if self.after:
            at = _position(self.after)
            start = bisect_right(self.all, at) if at else len(self.all)
        return self.all[start : start + size], len(self.all) > start + size


def dossiers(
    place: Place, _: Info, *, updated_since: datetime | None = None, **page: Any
) -> Connection:
    """Resolve `dossiers`: the present ones, by last change with `updatedSince`, else by deposit."""
    shown = {dossier.number: dossier for dossier in _listed(place, "present")}
    if updated_since is None:
        keys = [(dossier.depose_at, dossier.number) for dossier in shown.values()]
    else:
        changes = [(dossier.updated_at, dossier.number) for dossier in shown.values()]
        keys = [(at, number) for at, number in changes if at >= updated_since]
    return Connection(sorted(keys), lambda key: shown[key[1]], **page)


def _deletions(
    listed: str, place: Place, _: Info, *, deleted_since: datetime | None = None, **page: Any
) -> Connection:
    found = [removal for dossier in _listed(place, listed) if (removal := dossier.removal)]
    entries = {(r.at, r.key): r for r in found if deleted_since is None or r.at >= deleted_since}

    def entry(key: Key) -> Deletion:
        if any(entries[key].dossier.faults_of("odd_entry")):
            raise ServerFailure
        return entries[key]

    return Connection(sorted(entries), entry, **page)


LISTS: dict[str, Resolve] = {
    "dossiers": dossiers,
    "pendingDeletedDossiers": partial(_deletions, "masque"),
    "deletedDossiers": partial(_deletions, "supprime"),
}
"""Resolvers of the lists of dossiers: the present, the hidden and the erased ones."""


def _listed(place: Place, listed: str) -> Iterator[ServedDossier]:
    demarche = place.demarche if isinstance(place, Groupe) else place
    for dossier in demarche.dossiers.values():
        if dossier.listed == listed and place in (demarche, dossier.groupe):
            yield dossier


def cursor_of(key: Key) -> str:
    """Return the cursor of a position: base64 of a UTC instant and a number, without padding."""
    at, number = key
    text = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z;{number}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(text: str) -> Key | None:
    """Return the position of a cursor, None for one that is base64 of another text."""
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError as exc:  # No base64, or no UTF-8.
        raise invalid_input(text) from exc
    at, _, number = decoded.partition(";")
    try:
        return datetime.fromisoformat(at[:26] + "+00:00"), int(number)
    except ValueError:
        return None


FILES = "/files/"
"""Path of the addresses of files."""
_INCOMPLETE = "PersonneMoraleIncomplete"


def _groupe(_: Any, info: Info, number: int) -> Groupe:
    demarches = info.context.world.demarches.values()
    found = next((g for d in demarches for g in d.groupes if g.key == number), None)
    return info.context.visible("GroupeInstructeurWithDossiers", found)


# --- dossiers -----------------------------------------------------------------------------------


def _expires(dossier: ServedDossier, _: Any) -> str | None:
    ended = dossier.traite_at
    if ended is None:
        return None
    is_leap_day = (ended.month, ended.day) == (2, 29)
    return iso(ended + timedelta(days=365) if is_leap_day else ended.replace(year=ended.year + 1))


def _labels(dossier: ServedDossier, _: Any) -> list[Label]:
    known = {label.name: label for label in dossier.demarche.labels}
    return [known[name] for name in dossier.labels]


def _answers(source: Source) -> Resolve:
    def resolve(dossier: ServedDossier, _: Any, id: str | None = None) -> list[ServedChamp]:
        return [champ for champ in champs_of(dossier, source) if id in (None, champ.id)]

    return resolve


def _url(file: ServedFile, info: Info) -> str:
    return f"{info.context.base_url}{FILES}{file_path(info.context.world, file)}"


def _demandeur_type(demandeur: dict[str, Any], info: Info, _: Any) -> str:
    if demandeur["kind"] == "physique":
        return "PersonnePhysique"
    incomplete = demandeur["kind"] == "morale_incomplete" and info.context.asks(_INCOMPLETE)
    return _INCOMPLETE if incomplete else "PersonneMorale"


# --- champs -------------------------------------------------------------------------------------


@cache
def _name_of(type_: str) -> str:
    """Return the name of a descriptor type in the names of GraphQL types."""
    if type_ in ("communes", "departements", "regions"):
        type_ = type_.removesuffix("s")
    words = [type_.upper()] if type_ in ("cojo", "rna", "rnf") else type_.split("_")
    return "".join(w if w.isupper() else w.capitalize() for w in words)


def _descriptor_type(descriptor: ChampDescriptor, info: Info, _: Any) -> str:
    """Return the GraphQL type of a descriptor; that of a text for types not in the schema."""
    name = f"{_name_of(descriptor.type)}ChampDescriptor"
    return name if name in info.schema.type_map else "TextChampDescriptor"


def _champ_type(champ: ServedChamp, info: Info, _: Any) -> str:
    """Return a champ's GraphQL type; an older client, without a fragment on it, gets another."""
    name = f"{_name_of(champ.type)}Champ"
    if champ.type in ASKED_TYPES and not info.context.asks(name):
        return ASKED_TYPES[champ.type]
    return name if name in info.schema.type_map else "TextChamp"


def _of(read: Callable[[Any], Any]) -> Resolve:
    """Return a resolver that needs the value alone."""
    return lambda value, _: read(value)


TYPENAMES: dict[str, Callable[..., str]] = {
    "Champ": _champ_type,
    "ChampDescriptor": _descriptor_type,
    "Demandeur": _demandeur_type,
    "GeoArea": lambda area, *_: (
        "ParcelleCadastrale" if "numero" in area else "SelectionUtilisateur"
    ),
}
"""Functions that return the concrete type of a value, by interface."""

_REGISTER = _of(lambda champ: None if champ.value is None else {"id": str(champ.value)})


def _address_of(dossier: ServedDossier, sender: str) -> str:
    addresses = {
        "usager": dossier.usager_email,
        "agent": dossier.groupe.instructeurs[0].email,
        "system": "contact@demarche.numerique.gouv.fr",
    }
    return addresses.get(sender, sender)


_NO_ADDRESS = {"city_name": "", "city_code": "", "postal_code": ""}

FIELDS: dict[str, dict[str, Resolve]] = {
    "Query": {
        "demarche": lambda _, info, number: info.context.visible(
            "Demarche", info.context.world.demarches.get(number)
        ),
        "dossier": lambda _, info, number: info.context.visible(
            "Dossier", info.context.world.shown_dossier(number)
        ),
        "groupeInstructeur": _groupe,
    },
    "Demarche": LISTS,
    "GroupeInstructeurWithDossiers": LISTS,
    "Dossier": {
        "dateExpiration": _expires,
        "dateSuppressionParUsager": _of(
            lambda d: iso(d.hidden_at) if d.presence == "masque_usager" else None
        ),
        "labels": _labels,
        "usager": _of(
            lambda d: {"id": opaque_ids.encode("User", d.number), "email": d.usager_email}
        ),
        "demandeur": _of(lambda d: d.demandeur or None),
        "messages": _of(
            lambda d: [
                {
                    "id": opaque_ids.encode("Commentaire", d.number * 1000 + rank),
                    "email": _address_of(d, message.sender),
                    "created_at": message.at,
                    "discarded_at": message.discarded_at,
                    "body": message.text,
                    "attachments": [{"filename": name} for name in message.files],
                    "correction": {"date_resolution": message.corrected_at}
                    if message.asks_correction
                    else None,
                }
                for rank, message in enumerate(d.messages)
            ]
        ),
        "champs": _answers("champs"),
        "annotations": _answers("annotations"),
    },
    "File": {"url": _url},
    # DS builds one of whatever it has.
    "PersonneMorale": {"address": _of(lambda d: d.get("address") or _NO_ADDRESS)},
    "Demandeur": {"id": _of(lambda d: opaque_ids.encode("Demandeur", d.get("siret") or d["nom"]))},
    "Champ": {"stringValue": _of(ServedChamp.text)},
    "DropDownListChampDescriptor": {"options": _of(lambda d: d.served_options)},
    "DropDownListChamp": {"value": _of(lambda c: c.value and c.descriptor.value_of(c.value))},
    "MultipleDropDownListChamp": {
        "values": _of(lambda c: [*map(c.descriptor.value_of, c.value or ())])
    },
    "TextChamp": {"value": _of(ServedChamp.text_value)},
    "CheckboxChamp": {"value": _of(lambda c: bool(c.value))},
    "DateChamp": {"date": _of(ServedChamp.date_value)},
    "DatetimeChamp": {"datetime": _of(ServedChamp.datetime_value)},
    "CarteChamp": {
        "geoAreas": _of(
            lambda c: [
                {
                    "id": opaque_ids.encode("GeoArea", rank),
                    "source": "selection_utilisateur",
                    **area,
                }
                for rank, area in enumerate(c.value or ())
            ]
        )
    },
    "GeoArea": {"geometry": _of(lambda area: area)},
    "SiretChamp": {"etablissement": _of(lambda c: c.value if isinstance(c.value, dict) else None)},
    "RNAChamp": {"rna": _REGISTER},
    "RNFChamp": {"rnf": _REGISTER},
    "EngagementJuridiqueChamp": {"engagementJuridique": _of(lambda c: {} if c.value else None)},
    "DossierLinkChamp": {"dossier": lambda c, info: info.context.world.shown_dossier(c.value)},
    "PieceJustificativeChamp": {"files": _of(files_of)},
    "TitreIdentiteChamp": {"filled": _of(lambda c: bool(c.value))},
    "RepetitionChamp": {
        "rows": _of(
            lambda c: [
                {"id": opaque_ids.encode("Row", r.ulid), "champs": cells} for r, cells in c.rows()
            ]
        )
    },
}
"""Resolvers by type; those of an interface are used for all its types."""


Payload: TypeAlias = dict[str, Any]

WRITABLE = frozenset({
    "text", "textarea", "email", "checkbox", "yes_no", "date", "datetime", "integer_number",
    "decimal_number", "drop_down_list", "multiple_drop_down_list",
})  # fmt: skip
"""Types of the annotations that can be written, which are the keys of `AnnotationValueInput`."""


def _modify(call: Call, dossier: ServedDossier, given: Payload, _: GraphQLError) -> Payload:
    """Write the annotations that are valid, and return an error for each other one."""
    if dossier.faults_of("failed_write"):
        raise ServerFailure
    lost = {fault.path[0] for fault in dossier.faults_of("lost_write")}
    at, found, written, refusals = call.world.now(), [], [], []
    for asked in given["annotations"]:
        [(type_, value)] = asked["value"].items()
        try:
            found.append((_annotation(dossier, asked["id"], type_), value))
        except RefusalError as refusal:
            refusals.append(refusal)
    for champ, value in found:
        try:
            write(champ, value, at, kept=champ.stable_id not in lost)
            written.append(champ)
        except RefusalError as refusal:
            refusals.append(refusal)
    return {"annotations": written, "errors": _errors(*refusals) or None}


def _errors(*refusals: RefusalError) -> list[Payload]:
    return [{"message": str(refusal)} for refusal in refusals]


def _annotation(dossier: ServedDossier, ident: str, type_: str) -> ServedChamp:
    """Return the annotation with that id, if it has that type."""
    if opaque_ids.decode(ident) is None:
        raise invalid_input(ident)
    champ = next((c for c in champs_of(dossier, "annotations") if c.id == ident), None)
    if champ is None or champ.type not in WRITABLE:
        raise RefusalError(f'L‘annotation "{ident}" n’existe pas')
    if champ.type != type_:
        raise RefusalError(f'L‘annotation "{ident}" n’est pas de type attendu')
    return champ


def _add_label(
    call: Call, dossier: ServedDossier, given: Payload, missing: GraphQLError
) -> Payload:
    label = _label(call, given, missing)
    if label not in dossier.demarche.labels:
        raise RefusalError("Ce label n’appartient pas à la même démarche que le dossier")
    if label.name in dossier.labels:
        raise RefusalError("Ce label est déjà associé au dossier")
    Changes(call.world).add_label(dossier.number, label.name)
    return {"label": label}


def _remove_label(
    call: Call, dossier: ServedDossier, given: Payload, missing: GraphQLError
) -> Payload:
    label = _label(call, given, missing)
    if label not in dossier.demarche.labels or label.name not in dossier.labels:
        raise RefusalError("Ce label n’est pas associé au dossier")
    Changes(call.world).remove_label(dossier.number, label.name)
    return {"label": label}


def _label(call: Call, given: Payload, missing: GraphQLError) -> Label:
    labels = [label for d in call.world.demarches.values() for label in d.labels]
    label = by_id(given["label_id"], labels)
    if label is None:
        raise missing
    return label


def _dossier(call: Call, given: Payload, missing: GraphQLError) -> ServedDossier:
    """Return the dossier that an input names.

    Raises:
        RefusalError: the token or the instructeur may not write.
        GraphQLError: there is no such dossier or instructeur, or it is out of the token's scope.
    """
    # In DS's order: a read-only token is refused first, also for a hidden dossier or for another
    # instructeur (recorded: annotations-readonly-hidden, …-wrong-instructeur).
    if call.token is None or not call.token.can_write:
        raise RefusalError("Le jeton utilisé est configuré seulement en lecture")
    dossier = call.world.shown_dossier(opaque_ids.key_of(given["dossier_id"], "Dossier"))
    if dossier is None:
        raise missing
    call.visible("Dossier", dossier)
    if "instructeur_id" in given:
        agent = by_id(given["instructeur_id"], call.world.agents.values())
        if agent is None:
            raise missing
        if agent not in dossier.groupe.instructeurs:
            raise RefusalError("L’instructeur n’a pas les droits d’accès à ce dossier")
    return dossier


def _resolver(mutate: Callable[[Call, ServedDossier, Payload, GraphQLError], Payload]) -> Resolve:
    """Return a mutation's resolver; a refusal is in the payload, whose other fields are null."""

    def resolve(_: Any, info: Info, input: Payload) -> Payload:
        call, name = info.context, info.field_name
        call.spend(f"Mutation.{name}")
        missing = not_found(f"{name[0].upper()}{name[1:]}Payload")
        try:
            return mutate(call, _dossier(call, input, missing), input, missing)
        except RefusalError as refusal:
            return {"errors": _errors(refusal)}

    return resolve


MUTATIONS: dict[str, Resolve] = {
    "dossierModifierAnnotations": _resolver(_modify),
    "dossierAjouterLabel": _resolver(_add_label),
    "dossierSupprimerLabel": _resolver(_remove_label),
}
"""Resolvers of the fields of the schema's ``Mutation``."""
