"""Relations out of a language model's memory."""

from harvest.bertnet.run import Outcome, Report, harvest

__all__ = ["Outcome", "Report", "harvest"]
