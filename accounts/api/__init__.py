"""The REST edge of accounts: bodies in, actions, shapes out."""
