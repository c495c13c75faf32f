"""The engine: a run, which evaluates each page that it pulls, then pushes; checks, state, files."""
