"""The sandbox's state: démarches and dossiers, the clock, and the changes of both."""
