"""The side of clients that speak chat: their requests decoded, and replies written for them."""
