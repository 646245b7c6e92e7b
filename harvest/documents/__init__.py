"""Facts out of documents."""

from harvest.documents.read import read_all
from harvest.documents.run import Extractor, Report, advice, harvest

__all__ = ["Extractor", "Report", "advice", "harvest", "read_all"]
