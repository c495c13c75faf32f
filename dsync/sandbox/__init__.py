"""A local server that imitates the APIs of Démarches Simplifiées and beta.gouv.fr.

Each part imports only those below it:

- `server.py`: the HTTP server, and `Sandbox`, all of it as one object. `endpoint.py` answers,
  `faults.py` makes requests fail; by `control.py`, tests and people change and see the world.
- `execution.py`: a document and its variables → an answer. `schema.graphql` says what is served and
  from where; `queries.py` and `mutations.py` have what it cannot say.
- `content`: the invented démarches, dossiers and catalogue of a seed, and what goes on among them.
- `model.py`: the state. `edits.py` changes it, with the dates that this sets; `scalars.py` has the
  values of champs, and what a correct copy has to hold.
"""

from dsync.sandbox.edits import Change
from dsync.sandbox.faults import ScriptedFault
from dsync.sandbox.server import Sandbox, serve

__all__ = ["Change", "Sandbox", "ScriptedFault", "serve"]
