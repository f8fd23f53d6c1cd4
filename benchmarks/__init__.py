"""Measures Parley against other chat servers which do the same job; see README.md."""
