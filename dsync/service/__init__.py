"""The parts of `dsync run`, which `dsync.cli.run` assembles: scheduler, signals, alerts, HTTP."""
