"""The sandbox's HTTP server: tokens, rate limit, scripted faults, and the control for tests."""
