"""How each mutation is answered; importing it registers all of them."""

from dsync.sandbox.mutations import annotations, labels, states

__all__ = ["annotations", "labels", "states"]
