"""The conversions between the three wire shapes: pure functions, no Django, no network, no clock, no event loop."""
