"""Who names candidates for a relation: one file a proposer. What they name is judged by a scorer, so they may be wrong, but not slow."""

from harvest.bertnet.proposing.asked import Asked, Proposed, Proposer
from harvest.bertnet.proposing.decoded import Decoded
from harvest.bertnet.proposing.listed import Listed
from harvest.bertnet.proposing.nearest import Nearest
from harvest.bertnet.proposing.searched import Searched

__all__ = ["Asked", "Decoded", "Listed", "Nearest", "Proposed", "Proposer", "Searched"]
