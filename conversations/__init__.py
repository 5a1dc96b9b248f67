"""What the gateway remembers of conversations: turns to put back, for clients that send only words and calls."""
