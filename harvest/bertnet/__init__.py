"""Relations out of a language model's memory."""

from harvest.bertnet.asking import Outcome
from harvest.bertnet.means import Limits, Models
from harvest.bertnet.run import Report, harvest

__all__ = ["Limits", "Models", "Outcome", "Report", "harvest"]
