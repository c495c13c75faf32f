"""What dsync says: each kind of message as its facts, and its words in two languages."""
