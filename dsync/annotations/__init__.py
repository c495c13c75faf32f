"""Planning of the annotations and labels that dsync writes into dossiers; pure, without I/O."""
