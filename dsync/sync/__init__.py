"""The engine: a sync run with its steps pull, evaluate and push, and `dsync check`."""
