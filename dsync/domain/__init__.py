"""The project's vocabulary: immutable values without I/O, shared by all layers."""
