"""The side of upstreams that speak Messages: requests to them encoded, their replies decoded."""
