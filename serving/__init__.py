"""One request's way through the house: from the client's bytes to the upstream and back."""
