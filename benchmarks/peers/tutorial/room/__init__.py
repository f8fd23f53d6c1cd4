"""The one app of the tutorial peer: rooms with messages."""
