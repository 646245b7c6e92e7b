"""A graph that asks its own next question: a chat model answers, and what it names is asked about next."""

from harvest.expand.grown import Grown, Round, Told, told
from harvest.expand.limits import Limits, Way
from harvest.expand.run import ROUND, Models, Report, check, harvest
from harvest.expand.strategies import STRATEGIES
from harvest.expand.years import Span, spans

__all__ = [
    "ROUND",
    "STRATEGIES",
    "Grown",
    "Limits",
    "Models",
    "Report",
    "Round",
    "Span",
    "Told",
    "Way",
    "check",
    "harvest",
    "spans",
    "told",
]
