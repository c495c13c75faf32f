"""From typed dossiers to the programme's terms, by the section `[mapping]`. Pure: no I/O."""
