"""Benchmarks of the gateway against two proxies that do less; docs/benchmarks.md describes them."""
