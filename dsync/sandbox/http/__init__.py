"""The HTTP side: the server, its tokens and limits, its control, and the faults it can show."""
