"""The service `dsync run`: its scheduler and its signals."""
