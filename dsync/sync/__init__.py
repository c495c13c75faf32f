"""The engine: a run, which judges each page that it pulls, then pushes; answers, erasure, files."""
