"""Commands of the routing room."""
