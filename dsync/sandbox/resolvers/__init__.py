"""How each type of the schema is answered; importing it registers all of them."""

from dsync.sandbox.resolvers import champs, demandeurs, demarches, dossiers

__all__ = ["champs", "demandeurs", "demarches", "dossiers"]
