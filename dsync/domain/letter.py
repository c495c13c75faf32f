"""The message to an applicant, made of a verdict, for a person to transmit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dsync.domain.wording import with_no_break_spaces


class Message(NamedTuple):
    """A message to an applicant; `demandes` is empty if there is nothing to ask."""

    objet: str
    texte: str
    demandes: Sequence[str]


class Sender(Protocol):
    """A section of the configuration that says who writes."""

    @property
    def instruction(self) -> str:
        """Who decides on the dossiers, with its article."""

    @property
    def publication_url(self) -> str | None:
        """Where the rules are published."""


def letter(
    numero: int, asked: Sequence[str], sender: Sender, *, days: int | None, may_edit: bool
) -> Message:
    """Return the message that asks for something.

    Args:
        numero: the dossier's number.
        asked: a sentence for each thing.
        sender: who writes.
        days: in how many days an answer is expected; None: this is not said.
        may_edit: whether the applicant can still change the dossier.
    """
    until = f" dans les {days} jours qui suivent ce message" if days else ""
    instruction, url = sender.instruction, sender.publication_url
    parts = [
        "Madame, Monsieur,",
        f"Nous avons bien reçu votre dossier n° {numero}. Pour poursuivre son instruction, nous "
        f"avons besoin des précisions suivantes{until} :",
        "\n".join(f"- {one}" for one in asked),
        f"{'Vous pouvez corriger votre dossier, ou répondre' if may_edit else 'Merci de répondre'} "
        "par la messagerie de Démarches Simplifiées, en y joignant vos pièces.",
        "Cette demande a été préparée à l’aide d’un pré-contrôle automatique des conditions "
        "publiées. Elle ne préjuge pas de la décision, qui sera prise par une personne."
        + (f" Règles appliquées : {url}" if url else ""),
        "Nous vous remercions et restons à votre disposition.",
        f"{instruction[:1].upper()}{instruction[1:]}",
    ]
    text = with_no_break_spaces("\n\n".join(parts)) if asked else ""
    return Message(f"Dossier n° {numero} : précisions attendues", text, asked)
