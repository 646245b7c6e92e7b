"""A graph that asks its own next question: a chat model answers, and what it names is asked about next."""

from harvest.expand.run import Limits, Models, Report, harvest
from harvest.expand.strategies import STRATEGIES

__all__ = ["STRATEGIES", "Limits", "Models", "Report", "harvest"]
