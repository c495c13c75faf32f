"""From typed dossiers to candidatures, by the section `[mapping]`; pure, without I/O."""
