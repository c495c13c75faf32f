"""The service: signals, and the scheduler that runs what is due."""
