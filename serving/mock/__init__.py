"""A mock upstream that speaks all three shapes: enough of a model to try the gateway without an account."""
