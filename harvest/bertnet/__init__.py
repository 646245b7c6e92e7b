"""Relations out of a language model's memory."""

from harvest.bertnet.asking import Limits, Models, Outcome
from harvest.bertnet.run import Report, harvest

__all__ = ["Limits", "Models", "Outcome", "Report", "harvest"]
