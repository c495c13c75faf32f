"""The resolvers of the mutations, with DS's refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from dsync.sandbox.graphql.call import Call, Info, Resolve, ServerFailure, invalid_input, not_found
from dsync.sandbox.world import ids
from dsync.sandbox.world.champs import ServedChamp
from dsync.sandbox.world.changes import Changes, RefusalError, write
from dsync.sandbox.world.model import FINISHED, Agent, Label, Row, ServedDossier, by_id

Payload: TypeAlias = dict[str, Any]

_STATES = {
    "en_construction": "en\N{NO-BREAK SPACE}construction",
    "en_instruction": "en\N{NO-BREAK SPACE}instruction",
    "accepte": "accepté",
    "refuse": "refusé",
    "sans_suite": "classé sans suite",
}
_WRITABLE = frozenset(
    [
        "text",
        "textarea",
        "email",
        "checkbox",
        "yes_no",
        "date",
        "datetime",
        "integer_number",
        "decimal_number",
        "drop_down_list",
        "multiple_drop_down_list",
        "repetition",
    ]
)
"""Types of annotations that `dossierModifierAnnotations` can mutation."""

_ONE_ANNOTATION = {
    "Text": ("text", "textarea"),
    "Checkbox": ("checkbox", "yes_no"),
    "Date": ("date",),
    "Datetime": ("datetime", "date"),
    "IntegerNumber": ("integer_number",),
    "DecimalNumber": ("decimal_number",),
    "DropDownList": ("drop_down_list",),
    "AjouterLigne": ("repetition",),
}
"""Suffixes of the mutations of one annotation, and the types that each one writes."""


@dataclass(slots=True)
class Write:
    """One mutation with the dossier and the instructeur that its input names."""

    call: Call
    payload_type: str
    given: dict[str, Any]
    now: datetime
    dossier: ServedDossier
    agent: Agent
    changes: Changes

    def label(self) -> Label:
        """Return the label that the input names.

        Raises:
            GraphQLError: there is no such label.
        """
        demarches = self.call.world.demarches.values()
        label = by_id(self.given["label_id"], [label for d in demarches for label in d.labels])
        if label is None:
            raise not_found(self.payload_type)
        return label

    def echo(self, champ: ServedChamp) -> ServedChamp:
        """Return an annotation as this request first returned it: DS returns that object again."""
        return self.call.echoes.setdefault((self.dossier.number, champ.key), champ)


Mutate: TypeAlias = Callable[[Write], Payload]


def _resolver(name: str, mutate: Mutate) -> Resolve:
    """Return the resolver of a mutation.

    A read-only token is refused before anything is looked up. A refusal becomes the payload's
    ``errors``; its other fields are null.
    """
    payload_type = f"{name[0].upper()}{name[1:]}Payload"

    def resolve(_: Any, info: Info, input: dict[str, Any]) -> Payload:
        call = info.context
        if not call.spend():
            raise call.timeout(f"Mutation.{name}")
        try:
            payload = mutate(_load(call, payload_type, input))
        except RefusalError as refusal:
            payload = {"errors": [{"message": str(refusal)}]}
        return {**payload, "client_mutation_id": input.get("client_mutation_id")}

    return resolve


def _load(call: Call, payload_type: str, given: dict[str, Any]) -> Write:
    # In DS's order: a read-only token is refused first, also for a hidden dossier or for another
    # instructeur (recorded: annotations-readonly-hidden, annotations-readonly-wrong-instructeur).
    if call.token is None or not call.token.can_write:
        raise RefusalError("Le jeton utilisé est configuré seulement en lecture")
    world = call.world
    dossier = world.shown_dossier(ids.key_of(given["dossier_id"], "Dossier"))
    if dossier is None:
        raise not_found(payload_type)
    call.visible("Dossier", dossier)
    agent: Agent | None = dossier.groupe.instructeurs[0]
    if "instructeur_id" in given:
        agent = by_id(given["instructeur_id"], world.agents.values())
    if agent is None:
        raise not_found(payload_type)
    if agent not in dossier.groupe.instructeurs:
        raise RefusalError("L’instructeur n’a pas les droits d’accès à ce dossier")
    return Write(call, payload_type, given, world.now(), dossier, agent, Changes(world))


# --- annotations --------------------------------------------------------------------------------


def _modify(mutation: Write) -> Payload:
    """Write the annotations that are valid, and return an error for each other one."""
    if mutation.call.faults_of(mutation.dossier.number, "failed_write"):
        raise ServerFailure
    lost = {
        fault.path[0] for fault in mutation.call.faults_of(mutation.dossier.number, "lost_write")
    }
    refusals: list[RefusalError] = []
    found: list[tuple[ServedChamp, Any]] = []
    for asked in mutation.given["annotations"]:
        [(key, value)] = asked["value"].items()
        try:
            champ = _find(mutation.dossier, asked["id"], key)
        except RefusalError as refusal:
            refusals.append(refusal)
            continue
        if key == "repetition":
            for _ in range(value):  # DS adds them at once, even if it fails afterwards.
                mutation.changes.add_annotation_row(mutation.dossier.number, champ.stable_id)
        found.append((champ, value))
    kept = []
    for champ, value in found:
        try:
            if champ.type != "repetition":
                write(champ, value, mutation.now, kept=champ.stable_id not in lost)
        except RefusalError as refusal:
            refusals.append(refusal)
        else:
            kept.append(mutation.echo(champ))
    errors = [{"message": str(refusal)} for refusal in refusals]
    return {"annotations": kept, "errors": errors or None}


def _modify_one(types: tuple[str, ...], mutation: Write) -> Payload:
    ident = mutation.given["annotation_id"]
    champ = _annotation(mutation.dossier, ident)
    if champ is None or champ.type not in types:
        raise RefusalError(f'L’annotation "{ident}" n’existe pas')
    if champ.type == "repetition":
        mutation.changes.add_annotation_row(mutation.dossier.number, champ.stable_id)
    else:
        # DS empties a date annotation that is written with the mutation for date-times.
        is_emptied = champ.type == "date" and "datetime" in types
        write(champ, None if is_emptied else mutation.given["value"], mutation.now)
    return {"annotation": mutation.echo(champ)}


def _find(dossier: ServedDossier, ident: str, wanted: str) -> ServedChamp:
    """Return the annotation with that id, if it has the wanted type.

    Raises:
        GraphQLError: the id cannot be decoded.
        RefusalError: no annotation has that id, or it has another type.
        ServerFailure: the id names the cell of a row without the row, or a row of an annotation
            that has none; DS answers 500 to both.
    """
    champ = _annotation(dossier, ident)
    if champ is None or champ.type not in _WRITABLE:
        raise RefusalError(f'L‘annotation "{ident}" n’existe pas')
    if champ.type != wanted:
        raise RefusalError(f'L‘annotation "{ident}" n’est pas de type attendu')
    has_row = "|" in ids.decode(ident)[1]
    if wanted != "repetition" and has_row != (champ.row is not None):
        raise ServerFailure
    return champ


def _annotation(dossier: ServedDossier, ident: str) -> ServedChamp | None:
    """Return the annotation with that id, None when there is none.

    Of a row that does not exist, DS accepts values and shows them nowhere.
    """
    try:
        kind, key = ids.decode(ident)
    except ids.InvalidIdError as exc:
        raise invalid_input(ident) from exc
    stable_id, _, ulid = key.partition("|")
    if kind != "Champ" or not stable_id.isdigit():
        return None
    try:
        descriptor, repetition = dossier.form.descriptor("annotations", int(stable_id))
    except KeyError:
        return None
    if repetition is None:
        return ServedChamp(dossier, "annotations", descriptor)
    rows = {row.ulid: row for row in dossier.rows_of(repetition, "annotations")}
    return ServedChamp(dossier, "annotations", descriptor, rows.get(ulid) or Row(ulid, {}))


# --- labels -------------------------------------------------------------------------------------


def _add_label(mutation: Write) -> Payload:
    dossier, label = mutation.dossier, mutation.label()
    if label not in dossier.demarche.labels:
        raise RefusalError("Ce label n’appartient pas à la même démarche que le dossier")
    if label.name in dossier.labels:
        raise RefusalError("Ce label est déjà associé au dossier")
    mutation.changes.add_label(dossier.number, label.name)
    return {"label": label, "dossier": dossier}


def _remove_label(mutation: Write) -> Payload:
    dossier, label = mutation.dossier, mutation.label()
    if label not in dossier.demarche.labels or label.name not in dossier.labels:
        raise RefusalError("Ce label n’est pas associé au dossier")
    mutation.changes.remove_label(dossier.number, label.name)
    return {"label": label, "dossier": dossier}


# --- a dossier's life ---------------------------------------------------------------------------


def _move(origins: frozenset[str], target: str, mutation: Write) -> Payload:
    dossier, given = mutation.dossier, mutation.given
    if target in FINISHED and dossier.demandeur.get("kind") == "morale_incomplete":
        raise RefusalError(
            "Les informations du SIRET du dossier ne sont pas complètes. "
            "Veuillez réessayer plus tard."
        )
    if dossier.state not in origins:
        raise RefusalError(f"Le dossier est déjà {_STATES[dossier.state]}")
    reason = given.get("motivation")
    mutation.changes.move(dossier.number, target, motivation=reason, agent=mutation.agent.email)
    return {"dossier": dossier}


def _archive(archived: bool, mutation: Write) -> Payload:
    mutation.changes.archive(mutation.dossier.number, archived=archived)
    return {"dossier": mutation.dossier}


def _follow(mutation: Write) -> Payload:
    followers, follows = mutation.dossier.followers, mutation.given["follow"]
    if follows != (mutation.agent in followers):
        (followers.append if follows else followers.remove)(mutation.agent)
        mutation.dossier.updated_at = mutation.now
    return {"dossier": mutation.dossier, "instructeur": mutation.agent}


def _change_groupe(mutation: Write) -> Payload:
    groupe = by_id(mutation.given["groupe_instructeur_id"], mutation.dossier.demarche.groupes)
    if groupe is None:
        raise not_found(mutation.payload_type)
    if groupe is mutation.dossier.groupe:
        raise RefusalError("Le dossier est déjà dans ce groupe instructeur")
    mutation.changes.change_groupe(mutation.dossier.number, groupe.label)
    return {"dossier": mutation.dossier}


def _send_message(mutation: Write) -> Payload:
    """Send a message to the usager, with or without asking for a correction."""
    dossier, body, reason = (
        mutation.dossier,
        mutation.given["body"],
        mutation.given.get("correction"),
    )
    if not body.strip():
        field = "«\N{NO-BREAK SPACE}Votre message\N{NO-BREAK SPACE}»"
        raise RefusalError(f"Le champ {field} ne peut être vide")
    message = {"email": mutation.agent.email, "body": body, "created_at": mutation.now}
    if reason:
        message["correction"] = {"reason": reason}
        mutation.changes.ask_correction(dossier.number)
    dossier.messages.append(message)
    dossier.updated_at = mutation.now
    ident = ids.encode("Commentaire", dossier.number * 100 + len(dossier.messages) - 1)
    return {"message": {"attachments": [], **message, "id": ident}}


_OPEN, _INSTRUCTED = frozenset({"en_construction"}), frozenset({"en_instruction"})

_MUTATIONS: dict[str, Mutate] = {
    "dossierModifierAnnotations": _modify,
    **{
        f"dossierModifierAnnotation{suffix}": partial(_modify_one, types)
        for suffix, types in _ONE_ANNOTATION.items()
    },
    "dossierAjouterLabel": _add_label,
    "dossierSupprimerLabel": _remove_label,
    "dossierPasserEnInstruction": partial(_move, _OPEN, "en_instruction"),
    "dossierRepasserEnConstruction": partial(_move, _INSTRUCTED, "en_construction"),
    "dossierRepasserEnInstruction": partial(_move, FINISHED, "en_instruction"),
    "dossierAccepter": partial(_move, _INSTRUCTED, "accepte"),
    "dossierRefuser": partial(_move, _INSTRUCTED, "refuse"),
    "dossierClasserSansSuite": partial(_move, _INSTRUCTED, "sans_suite"),
    "dossierArchiver": partial(_archive, True),
    "dossierDesarchiver": partial(_archive, False),
    "dossierBasculeSuivi": _follow,
    "dossierChangerGroupeInstructeur": _change_groupe,
    "dossierEnvoyerMessage": _send_message,
}
MUTATIONS = {name: _resolver(name, mutate) for name, mutate in _MUTATIONS.items()}
"""Resolvers of the fields of the schema's ``Mutation``."""
