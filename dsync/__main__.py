"""`python -m dsync`."""

from __future__ import annotations

from dsync.cli import main

if __name__ == "__main__":
    main()
