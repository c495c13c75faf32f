"""The mutations that move a dossier through its life, and the message to its usager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dsync.sandbox import ids, life
from dsync.sandbox.answers import not_found
from dsync.sandbox.context import Context
from dsync.sandbox.model import FINISHED
from dsync.sandbox.mutations.access import (
    Payload,
    PayloadError,
    dossier_and_agent,
    dossier_of,
    mutation,
)

INCOMPLETE = PayloadError(
    "Les informations du SIRET du dossier ne sont pas complètes. Veuillez réessayer plus tard.",
    "What the registry knows of the dossier's SIRET is incomplete. Try again later.",
)
EMPTY_MESSAGE = PayloadError(
    "Le champ «\N{NO-BREAK SPACE}Votre message\N{NO-BREAK SPACE}» ne peut être vide",
    "The field “Your message” cannot be empty",
)
_TOLD = {
    "en_construction": "en\N{NO-BREAK SPACE}construction",
    "en_instruction": "en\N{NO-BREAK SPACE}instruction",
    "accepte": "accepté",
    "refuse": "refusé",
    "sans_suite": "classé sans suite",
}


@dataclass(frozen=True, slots=True)
class Move:
    """A change of state: from where, to where."""

    name: str
    origins: frozenset[str]
    target: str


_MOVES = (
    Move("dossierPasserEnInstruction", frozenset({"en_construction"}), "en_instruction"),
    Move("dossierRepasserEnConstruction", frozenset({"en_instruction"}), "en_construction"),
    Move("dossierRepasserEnInstruction", FINISHED, "en_instruction"),
    Move("dossierAccepter", frozenset({"en_instruction"}), "accepte"),
    Move("dossierRefuser", frozenset({"en_instruction"}), "refuse"),
    Move("dossierClasserSansSuite", frozenset({"en_instruction"}), "sans_suite"),
)


def _register(move: Move) -> None:
    @mutation(move.name)
    def change_state(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
        dossier, agent = dossier_and_agent(context, payload_type, given)
        if move.target in FINISHED and dossier.seed.demandeur.get("kind") == "morale_incomplete":
            raise INCOMPLETE
        if dossier.seed.state not in move.origins:
            raise PayloadError(f"Le dossier est déjà {_TOLD[dossier.seed.state]}")
        motivation = given.get("motivation")
        life.move(dossier, move.target, context.now(), agent.email, motivation)
        return {"dossier": dossier, "errors": None}


for _move in _MOVES:
    _register(_move)


def _register_archiving(name: str, *, archived: bool) -> None:
    @mutation(name)
    def archive(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
        dossier, _ = dossier_and_agent(context, payload_type, given)
        dossier.seed.archived = archived
        dossier.change(context.now())
        return {"dossier": dossier, "errors": None}


_register_archiving("dossierArchiver", archived=True)
_register_archiving("dossierDesarchiver", archived=False)


@mutation("dossierBasculeSuivi")
def follow(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
    """Make an instructeur follow a dossier, or no longer."""
    dossier, agent = dossier_and_agent(context, payload_type, given)
    if given["follow"] != (agent in dossier.followers):
        if given["follow"]:
            dossier.followers.append(agent)
        else:
            dossier.followers.remove(agent)
        dossier.change(context.now())
    return {"dossier": dossier, "instructeur": agent, "errors": None}


@mutation("dossierChangerGroupeInstructeur")
def change_groupe(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
    """Hand a dossier to another groupe of its démarche."""
    dossier = dossier_of(context, payload_type, given["dossierId"])
    found = context.world.groupe(ids.key_of(given["groupeInstructeurId"], "GroupeInstructeur"))
    if found is None or found[0] is not dossier.demarche:
        raise not_found(payload_type)
    if found[1] is dossier.groupe:
        raise PayloadError(
            "Le dossier est déjà dans ce groupe instructeur",
            "The dossier is in that groupe already",
        )
    life.hand_over(dossier, found[1], context.now())
    return {"dossier": dossier, "errors": None}


@mutation("dossierEnvoyerMessage")
def send_message(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
    """Write to the usager, with a demand for a correction or without."""
    dossier, agent = dossier_and_agent(context, payload_type, given)
    if not given["body"].strip():
        raise EMPTY_MESSAGE
    now = context.now()
    reason = given.get("correction")
    message = {"email": agent.email, "body": given["body"], "created_at": now}
    if reason:
        message["correction"] = {"reason": reason, "date_resolution": None}
        life.ask_correction(dossier, now)
    dossier.seed.messages.append(message)
    dossier.change(now)
    rank = len(dossier.seed.messages) - 1
    shown = {**message, "id": ids.encode("Commentaire", dossier.number * 100 + rank)}
    return {"message": {"attachments": [], **shown}, "errors": None}
