"""What looks after a démarche: its prerequisites, its state and concerns, its verification."""
