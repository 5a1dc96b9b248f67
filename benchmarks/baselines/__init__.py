"""The two proxies that the gateway is compared with; each serves `app` and forwards to $BENCH_UPSTREAM."""
