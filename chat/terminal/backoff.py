"""How long to wait before the next try to connect; pure arithmetic over a random source."""

import random
from collections.abc import Callable

FIRST = (0.25, 1.0)
LONGEST = 25.0
OFFLINE_AFTER = 5


class Backoff:
    """First a random 0.25 to 1 s, then a ceiling doubling from 2 to 25 s, drawn from its upper half."""

    def __init__(self, *, scale: float = 1.0, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._scale = scale
        self._uniform = uniform
        self._tries = 0

    def next_delay(self) -> float:
        """Seconds to wait now; every call makes the following one longer, up to 25."""
        self._tries += 1
        if self._tries == 1:
            return self._scale * self._uniform(*FIRST)
        # The exponent is held down because the tries go on without end.
        ceiling = min(LONGEST, 2.0 ** min(self._tries - 1, 10))
        return self._scale * self._uniform(ceiling / 2, ceiling)

    def pause(self, seconds: float) -> float:
        """A wait the server asked for, with up to a quarter on top so that clients do not return as one."""
        return self._scale * seconds * self._uniform(1.0, 1.25)

    def reset(self) -> None:
        self._tries = 0
