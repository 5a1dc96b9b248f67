"""Routing: the configuration that operators edit, and the frozen route table that serving reads."""
