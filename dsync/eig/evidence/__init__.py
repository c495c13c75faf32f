"""Public evidence: the beta.gouv.fr catalogue, the registry of enterprises, reference lists."""
