"""How a run goes, and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harvest.expand.strategies import STRATEGIES
from harvest.expand.years import Span
from kgplatform.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Way:
    """How the next questions are found (``STRATEGIES``), how many are asked at a time; another ``seed`` lets a model answer anew.

    ``grounded`` answers must quote from the graph's documents (``grounding``). With ``years`` the same question is asked for each span
    of them, and no other one (``years``).
    """

    strategy: str = "frontier"
    fan_out: int = 3
    seed: int = 0
    grounded: bool = False
    years: tuple[Span, ...] = ()

    def check(self) -> None:
        """Raises ``BadRequest`` for what cannot be done."""
        if self.strategy not in STRATEGIES:
            raise BadRequest(f"there is no strategy {self.strategy[:80]!r}: they are {', '.join(STRATEGIES)}")
        if not 1 <= self.fan_out <= 64:
            raise BadRequest(f"fan-out {self.fan_out}: so many questions at a time are from 1 to 64")
        if self.grounded and self.years:
            raise BadRequest("answers for spans of years cannot be grounded too: take one of  --grounded  and  --years")
        if not 0 <= self.seed < 2**31:
            raise BadRequest(f"seed {self.seed}: it is from 0 to below {2**31:,}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run ends: rounds, ``calls`` (questions) and tokens of the chat model, dollars, minutes; what is begun is finished.
    But for the minutes: when they are over, no answer is waited for any more.

    It also ends when in ``patience`` rounds in a row no more than the share ``floor`` of the things named was new.
    """

    iterations: int = 12
    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    minutes: float | None = None
    patience: int = 3
    floor: float = 0.0

    def check(self) -> None:
        """Raises ``BadRequest`` for a limit within which nothing can be done, or that another one makes void."""
        for name in ("iterations", "calls", "tokens", "usd", "minutes", "patience"):
            if (value := getattr(self, name)) is not None and not 0 < value < float("inf"):
                raise BadRequest(f"{name} {value:g}: a limit is a number above 0; leave it out for none")
        if not 0 <= self.floor < 1:
            raise BadRequest(f"floor {self.floor:g}: a share of new things is from 0 to below 1")
        if self.floor and self.patience > self.iterations:
            raise BadRequest(
                f"floor {self.floor:g} is never reached: patience {self.patience} is more rounds than iterations {self.iterations}"
            )

    def over(self, used: Mapping[str, float]) -> str:
        """Which limit is reached, in words; nothing when none is."""
        for name, amount in used.items():
            if (most := getattr(self, name, None)) is not None and amount >= most:
                return f"the limit of {most:g} {name} is reached"
        return ""
