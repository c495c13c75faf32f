"""Checks that a démarche declares in its TOML file: a programme without code of its own."""
