"""The web console: French pages of what the database holds, and buttons for commands."""
