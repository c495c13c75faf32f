"""The resolvers of the mutations, with DS's refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from dsync.sandbox.graphql.call import Info, Resolve, ServerFailure, invalid_input, not_found
from dsync.sandbox.world import ids
from dsync.sandbox.world.champs import ServedChamp
from dsync.sandbox.world.changes import Changes, RefusalError, write
from dsync.sandbox.world.model import FINISHED, Label, Row, by_id

Payload: TypeAlias = dict[str, Any]

_STATES = {
    "en_construction": "en\N{NO-BREAK SPACE}construction",
    "en_instruction": "en\N{NO-BREAK SPACE}instruction",
    "accepte": "accepté",
    "refuse": "refusé",
    "sans_suite": "classé sans suite",
}
_MESSAGE = "«\N{NO-BREAK SPACE}Votre message\N{NO-BREAK SPACE}»"


class Mutation:
    """One mutation, with the dossier and the instructeur that its input names.

    Args:
        info: of its field.
        given: its input.

    Raises:
        RefusalError: the token or the instructeur may not write.
        GraphQLError: there is no such dossier or instructeur, or it is out of the token's scope.
    """

    def __init__(self, info: Info, given: dict[str, Any]) -> None:
        # In DS's order: a read-only token is refused first, also for a hidden dossier or for
        # another instructeur (recorded: annotations-readonly-hidden, …-wrong-instructeur).
        self.given, self.call, world = given, info.context, info.context.world
        if self.call.token is None or not self.call.token.can_write:
            raise RefusalError("Le jeton utilisé est configuré seulement en lecture")
        self.not_found = not_found(f"{info.field_name[0].upper()}{info.field_name[1:]}Payload")
        dossier = world.shown_dossier(ids.key_of(given["dossier_id"], "Dossier"))
        if dossier is None:
            raise self.not_found
        self.call.visible("Dossier", dossier)
        self.dossier, self.number = dossier, dossier.number
        agents = dossier.groupe.instructeurs
        agent = by_id(given.get("instructeur_id", agents[0].id), world.agents.values())
        if agent is None:
            raise self.not_found
        if agent not in agents:
            raise RefusalError("L’instructeur n’a pas les droits d’accès à ce dossier")
        self.agent, self.changes, self.now = agent, Changes(world), world.now()
        writable: Any = info.schema.type_map["AnnotationValueInput"]
        self.writable = {field.out_name for field in writable.fields.values()}

    # --- annotations ------------------------------------------------------------------------

    def modify(self) -> Payload:
        """Write the annotations that are valid, and return an error for each other one."""
        if self.call.faults_of(self.number, "failed_write"):
            raise ServerFailure
        lost = {fault.path[0] for fault in self.call.faults_of(self.number, "lost_write")}
        errors: list[dict[str, str]] = []
        found: list[tuple[ServedChamp, Any]] = []
        for asked in self.given["annotations"]:
            [(key, value)] = asked["value"].items()
            try:
                champ = self._find(asked["id"], key)
            except RefusalError as refusal:
                errors.append({"message": str(refusal)})
                continue
            for _ in range(value if key == "repetition" else 0):
                # DS adds rows at once, even if it fails afterwards.
                self.changes.add_annotation_row(self.number, champ.stable_id)
            found.append((champ, value))
        kept = []
        for champ, value in found:
            try:
                if champ.type != "repetition":
                    write(champ, value, self.now, kept=champ.stable_id not in lost)
                kept.append(self._echo(champ))
            except RefusalError as refusal:
                errors.append({"message": str(refusal)})
        return {"annotations": kept, "errors": errors or None}

    def modify_one(self, *types: str) -> Payload:
        """Write an annotation that has one of these types."""
        ident = self.given["annotation_id"]
        champ = self._annotation(ident)
        if champ is None or champ.type not in types:
            raise RefusalError(f'L’annotation "{ident}" n’existe pas')
        if champ.type == "repetition":
            self.changes.add_annotation_row(self.number, champ.stable_id)
        else:
            # DS empties a date annotation that is written with the mutation for date-times.
            is_emptied = champ.type == "date" and "datetime" in types
            write(champ, None if is_emptied else self.given["value"], self.now)
        return {"annotation": self._echo(champ)}

    def _find(self, ident: str, wanted: str) -> ServedChamp:
        """Return the annotation with that id, if it has the wanted type.

        DS answers 500 to the id of a row's cell without the row, and of a row that cannot be.
        """
        champ = self._annotation(ident)
        if champ is None or champ.type not in self.writable:
            raise RefusalError(f'L‘annotation "{ident}" n’existe pas')
        if champ.type != wanted:
            raise RefusalError(f'L‘annotation "{ident}" n’est pas de type attendu')
        has_row = "|" in ids.decode(ident)[1]
        if wanted != "repetition" and has_row != (champ.row is not None):
            raise ServerFailure
        return champ

    def _annotation(self, ident: str) -> ServedChamp | None:
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
            found, repetition = self.dossier.form.descriptor("annotations", int(stable_id))
        except KeyError:
            return None
        row = None
        if repetition:
            rows = self.dossier.rows_of(repetition, "annotations")
            row = next((row for row in rows if row.ulid == ulid), Row(ulid, {}))
        return ServedChamp(self.dossier, "annotations", found, row)

    def _echo(self, champ: ServedChamp) -> ServedChamp:
        """Return an annotation as this request first returned it: DS returns that object again."""
        return self.call.echoes.setdefault((self.number, champ.key), champ)

    # --- labels -----------------------------------------------------------------------------

    def add_label(self) -> Payload:
        """Add a label."""
        label = self._label()
        if label not in self.dossier.demarche.labels:
            raise RefusalError("Ce label n’appartient pas à la même démarche que le dossier")
        if label.name in self.dossier.labels:
            raise RefusalError("Ce label est déjà associé au dossier")
        self.changes.add_label(self.number, label.name)
        return {"label": label, "dossier": self.dossier}

    def remove_label(self) -> Payload:
        """Remove a label."""
        label = self._label()
        if label not in self.dossier.demarche.labels or label.name not in self.dossier.labels:
            raise RefusalError("Ce label n’est pas associé au dossier")
        self.changes.remove_label(self.number, label.name)
        return {"label": label, "dossier": self.dossier}

    def _label(self) -> Label:
        demarches = self.call.world.demarches.values()
        label = by_id(self.given["label_id"], [label for d in demarches for label in d.labels])
        if label is None:
            raise self.not_found
        return label

    # --- a dossier's life -------------------------------------------------------------------

    def move(self, state: str, *origins: str) -> Payload:
        """Move the dossier to a state, if it is in one of the others."""
        dossier, motivation = self.dossier, self.given.get("motivation")
        if state in FINISHED and dossier.demandeur.get("kind") == "morale_incomplete":
            raise RefusalError(
                "Les informations du SIRET du dossier ne sont pas complètes. "
                "Veuillez réessayer plus tard."
            )
        if dossier.state not in origins:
            raise RefusalError(f"Le dossier est déjà {_STATES[dossier.state]}")
        self.changes.move(self.number, state, motivation=motivation, agent=self.agent.email)
        return {"dossier": dossier}

    def archive(self, archived: bool) -> Payload:
        """Archive the dossier, or undo it."""
        self.changes.archive(self.number, archived=archived)
        return {"dossier": self.dossier}

    def follow(self) -> Payload:
        """Follow the dossier, or stop it."""
        followers, follows = self.dossier.followers, self.given["follow"]
        if follows != (self.agent in followers):
            (followers.append if follows else followers.remove)(self.agent)
            self.dossier.updated_at = self.now
        return {"dossier": self.dossier, "instructeur": self.agent}

    def change_groupe(self) -> Payload:
        """Assign the dossier to another groupe."""
        groupe = by_id(self.given["groupe_instructeur_id"], self.dossier.demarche.groupes)
        if groupe is None:
            raise self.not_found
        if groupe is self.dossier.groupe:
            raise RefusalError("Le dossier est déjà dans ce groupe instructeur")
        self.changes.change_groupe(self.number, groupe.label)
        return {"dossier": self.dossier}

    def send_message(self) -> Payload:
        """Send a message to the usager, with or without asking for a correction."""
        body, reason = self.given["body"], self.given.get("correction")
        if not body.strip():
            raise RefusalError(f"Le champ {_MESSAGE} ne peut être vide")
        message = {"email": self.agent.email, "body": body, "created_at": self.now}
        if reason:
            message["correction"] = {"reason": reason}
            self.changes.ask_correction(self.number)
        sent = self.dossier.messages
        sent.append(message)
        self.dossier.updated_at = self.now
        ident = ids.encode("Commentaire", self.number * 100 + len(sent) - 1)
        return {"message": {**message, "id": ident}}


def _resolver(mutate: Callable[..., Payload], *arguments: Any) -> Resolve:
    """Return a mutation's resolver; a refusal is in the payload, whose other fields are null."""

    def resolve(_: Any, info: Info, input: dict[str, Any]) -> Payload:
        info.context.spend(f"Mutation.{info.field_name}")
        try:
            payload = mutate(Mutation(info, input), *arguments)
        except RefusalError as refusal:
            payload = {"errors": [{"message": str(refusal)}]}
        return {**payload, "client_mutation_id": input.get("client_mutation_id")}

    return resolve


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

MUTATIONS: dict[str, Resolve] = {
    "dossierModifierAnnotations": _resolver(Mutation.modify),
    **{
        f"dossierModifierAnnotation{name}": _resolver(Mutation.modify_one, *types)
        for name, types in _ONE_ANNOTATION.items()
    },
    "dossierAjouterLabel": _resolver(Mutation.add_label),
    "dossierSupprimerLabel": _resolver(Mutation.remove_label),
    "dossierPasserEnInstruction": _resolver(Mutation.move, "en_instruction", "en_construction"),
    "dossierRepasserEnConstruction": _resolver(Mutation.move, "en_construction", "en_instruction"),
    "dossierRepasserEnInstruction": _resolver(Mutation.move, "en_instruction", *FINISHED),
    "dossierAccepter": _resolver(Mutation.move, "accepte", "en_instruction"),
    "dossierRefuser": _resolver(Mutation.move, "refuse", "en_instruction"),
    "dossierClasserSansSuite": _resolver(Mutation.move, "sans_suite", "en_instruction"),
    "dossierArchiver": _resolver(Mutation.archive, True),
    "dossierDesarchiver": _resolver(Mutation.archive, False),
    "dossierBasculeSuivi": _resolver(Mutation.follow),
    "dossierChangerGroupeInstructeur": _resolver(Mutation.change_groupe),
    "dossierEnvoyerMessage": _resolver(Mutation.send_message),
}
"""Resolvers of the fields of the schema's ``Mutation``."""
