"""Public evidence by HTTP: the beta.gouv.fr catalogue and the registry of enterprises."""
