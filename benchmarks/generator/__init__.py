"""The load generator: one process, told by a JSON order what to do, answers with JSON figures."""
