"""Public evidence from outside: beta.gouv.fr's catalogue, the registry of entreprises, lists.

The only part that speaks to those sources. It keeps nothing: what was fetched is handed back
to be stored, and comes in again as `previous`.

Nothing is imported here: the settings need `config`, and not the HTTP client that others load.
"""
