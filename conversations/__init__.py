"""What the gateway remembers: turns, whole where clients send them back in part, and responses to go on with."""
