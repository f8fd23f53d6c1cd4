"""Gathering what is due into pushes, and handing them to Expo."""


def send_due() -> int:
    """How many pushes Expo took."""
    return 0
