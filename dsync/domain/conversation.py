"""Who wrote last in a dossier's messages, whose answer is waited for, and since when.

DS tells of a message its sender's address alone: whose side that is follows from the dossier, from
the démarche's instructeurs, and from what was known of the message before. A message that a person
says to have sent counts as one until DS shows it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from dsync.domain.documented import Code
from dsync.domain.dossier import Dossier, Message
from dsync.domain.json_bytes import digest_of, json_bytes


class Cote(Code):
    """Whose side a message is of, as the view `lecture_message` names it."""

    USAGER = "usager", "", "Le déposant du dossier."
    ADMINISTRATION = "administration", "", "L’équipe de la démarche."
    AUTOMATIQUE = (
        "automatique",
        "",
        "Démarches Simplifiées, de lui-même : accusé de dépôt, décision.",
    )
    AUTRE = (
        "autre",
        "",
        "Une personne dont Démarches Simplifiées ne dit pas le rôle : invitée par l’usager, "
        "experte.",
    )
    """Somebody of whom DS does not tell: whom the usager invited, an expert, an API."""
    LU = "lu", "", "Une personne de l’équipe, qui a lu la réponse du déposant et n’y répond pas."
    """No message of DS: what is said here of those before."""


_SIDES = frozenset(one.value for one in Cote)
# The addresses by which DS's instances write by themselves, and the one of before.
_SYSTEM = re.compile(r"contact@(?:[\w.-]*\bdemarches?\b|tps\.apientreprise\.fr$)", re.IGNORECASE)


_TOLD = "dsync "
"""What the id of a message begins with that DS has not shown."""
_ASIDE = "Lu jusqu’ici : rien n’est à y répondre."
_APART = timedelta(days=1)
"""How far a message in DS can be from when a person said to have sent it."""


def told(at: datetime) -> Message:
    """Return a message of the administration that a person says at an instant to have sent."""
    return Message(
        f"{_TOLD}{at:%Y-%m-%dT%H:%M:%SZ}", at.replace(microsecond=0), Cote.ADMINISTRATION
    )


def set_aside(last: datetime, by: str) -> Message:
    """Return what a person says of the messages up to the last one they saw: none needs an answer.

    It is dated by that one, not by the person's act: what came meanwhile is still to be answered.
    """
    at = last + timedelta(seconds=1)
    return replace(
        told(at), id=f"{_TOLD}lu {at:%Y-%m-%dT%H:%M:%SZ}", de=Cote.LU, courriel=by, texte=_ASIDE
    )


def is_told(message: Message) -> bool:
    """Return whether a message is known by a person's word alone."""
    return message.id.startswith(_TOLD)


def with_told(
    messages: tuple[Message, ...] | None, known: Sequence[Message]
) -> tuple[Message, ...] | None:
    """Return a dossier's messages with those told of that DS shows by none that is new.

    `messages` is None where DS does not render them; `known` are those of the copy.
    """
    ids, ours = {one.id for one in known}, Cote.ADMINISTRATION
    new = [one.le for one in messages or () if one.de == ours and one.id not in ids]
    left = [
        one
        for one in filter(is_told, known)
        if one.de == Cote.LU or not any(abs(at - one.le) <= _APART for at in new)
    ]
    others = [one for one in messages or () if not is_told(one)]
    return (*others, *left) if left or messages is not None else None


def with_sides(
    dossier: Dossier, agents: Collection[str], known: Sequence[Message]
) -> tuple[Message, ...] | None:
    """Return a dossier's messages, each with its side beside its sender's address.

    `agents` are the addresses of the démarche's instructeurs, in small letters; `known` are the
    stored messages, whose sides stay: an instructeur can have left since.
    """
    if all(one.de in _SIDES for one in dossier.messages or ()):
        return dossier.messages
    usager = (dossier.usager_email or "").casefold()
    ours = {*dossier.instructeurs, *(one.email_agent or "" for one in dossier.traitements)}
    ours = {one.casefold() for one in ours} | {*agents}
    sides = {one.id: one.de for one in known}

    def side_of(message: Message) -> str:
        before = sides.get(message.id, Cote.AUTRE)
        sender = message.de.casefold()
        if before != Cote.AUTRE:
            return before
        if sender == usager:
            return Cote.USAGER
        if message.correction or sender in ours:
            return Cote.ADMINISTRATION
        return Cote.AUTOMATIQUE if _SYSTEM.match(sender) else Cote.AUTRE

    return tuple(
        [
            one if one.de in _SIDES else replace(one, de=str(side_of(one)), courriel=one.de)
            for one in dossier.messages or ()
        ]
    )


class Conversation(NamedTuple):
    """What follows from a dossier's messages: columns of table `dossier`."""

    nb_messages: int | None = None
    """Of those that DS shows; None: it shows none, and does not say so, or a person told of one."""
    dernier_message_le: datetime | None = None
    dernier_message_de: str | None = None
    demande_le: datetime | None = None
    """When the administration wrote, or asked for a correction, for the first time since the usager
    had the last word."""
    repondu_le: datetime | None = None
    """The usager's first sign since `demande_le`, or first message; None: it is waited for."""
    messages_hash: str | None = None
    """Of the messages as they are stored; None: DS did not say."""


def conversation_of(dossier: Dossier) -> Conversation:
    """Return who wrote last in a dossier, by its messages' sides, and who waits since when."""
    messages = sorted((one.le, one.de) for one in dossier.messages or () if not one.retire_le)
    shown = sum(not is_told(one) for one in dossier.messages or ())
    number = shown if shown or dossier.messages == () else None
    demande: datetime | None = None
    repondu: datetime | None = None
    for at, side in sorted([*messages, *_other_signs(dossier)]):
        match side:
            case Cote.ADMINISTRATION if demande is None or repondu is not None:
                demande, repondu = at, None
            case Cote.USAGER if repondu is None:
                repondu = at
            # Neither an edit nor a word of somebody else is a question.
            case Cote.AUTRE if demande is not None and repondu is None:
                repondu = at
            case Cote.LU:
                demande = repondu = None
    messages = [one for one in messages if one[1] != Cote.LU]
    last_at, last_side = messages[-1] if messages else (None, None)
    digest = None if dossier.messages is None else digest_of(json_bytes(dossier.messages))
    return Conversation(number, last_at, last_side, demande, repondu, digest)


def _other_signs(dossier: Dossier) -> Iterator[tuple[datetime, str]]:
    """Yield what else is known: the usager's last edit, and the correction that is waited for."""
    if dossier.date_derniere_modification_champs > dossier.date_depot:
        yield dossier.date_derniere_modification_champs, Cote.AUTRE
    # It has a message, too, unless DS could not render that.
    is_unread = all(map(is_told, dossier.messages or ()))
    if is_unread and (asked := dossier.date_derniere_correction_en_attente):
        yield asked, Cote.ADMINISTRATION
