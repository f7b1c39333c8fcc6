"""When a call that failed is made again."""
from __future__ import annotations

import dataclasses
import random
from typing import Optional

from .errors import Error, Overloaded, Unavailable


@dataclasses.dataclass(frozen=True)
class Retry:
    """How long to wait before another try: what the daemon asks for, else from
    `first` seconds on, doubled each time up to `most`, the half of it at
    random. Never beyond the call's timeout, and `attempts` tries at most."""

    attempts: int = 100
    first: float = 0.05
    most: float = 2.0

    def delay(self, error: Error, attempt: int, left: float,
              chance: float) -> Optional[float]:
        """Seconds to wait after try number `attempt` (from 1) failed with
        `left` seconds to go; `chance` is a random number from 0 to 1. None: the
        error is final."""
        if attempt >= self.attempts:
            return None
        if isinstance(error, Overloaded):
            if error.retry_after is None:
                return None  # it would not fit the next time, either
        elif not isinstance(error, Unavailable):
            return None
        wait = min(self.most, self.first * 2 ** min(attempt - 1, 30))
        wait *= 0.5 + 0.5 * chance
        if error.retry_after is not None:
            wait = error.retry_after * (1 + 0.2 * chance)
        return wait if wait < left else None

    def delay_now(self, error: Error, attempt: int,
                  left: float) -> Optional[float]:
        return self.delay(error, attempt, left, random.random())
