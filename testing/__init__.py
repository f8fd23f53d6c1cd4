"""Servers, clients and checkers for the tests and the benchmarks. Production code never imports this package."""
