"""A chat client for the terminal; it knows the public wire contract and nothing else of this project."""
