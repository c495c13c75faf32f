"""What the sandbox serves: its state, its time, and what changes either."""
