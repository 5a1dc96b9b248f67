"""Commands of the conversations room."""
