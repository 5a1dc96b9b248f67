"""The side of upstreams that speak OpenAI Responses: requests to them, and what they answer."""
