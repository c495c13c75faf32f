"""The engine: pull, pre-check, push, and what holds them together in one run."""
