"""A local server that imitates the APIs of Démarches Simplifiées and beta.gouv.fr.

Four rooms, each importing only those below it:

- `http`: the server, tokens, faults of a request, webhooks; the control, by which tests and people
  change the world and see it; `Sandbox`, all of it as one object.
- `graphql`: a document and its variables → an answer. `schema.graphql` says what is served and from
  where; `queries.py` and `mutations.py` have what it cannot say.
- `content`: the invented démarches, dossiers and catalogue of a seed, and what goes on among them.
- `world`: the state (`model.py`), what changes it and the dates that this sets (`edits.py`), the
  values of champs, and `truth.py`: what a correct copy has to hold.
"""

from dsync.sandbox.http.faults import ScriptedFault
from dsync.sandbox.http.sandbox import Sandbox, serve
from dsync.sandbox.world.edits import Change

__all__ = ["Change", "Sandbox", "ScriptedFault", "serve"]
