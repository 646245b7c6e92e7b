"""Long work as jobs: kept in a ledger, done in steps, taken up again after a kill, and repeated by a schedule."""

from kgplatform.jobs.ledger import Ledger
from kgplatform.jobs.runner import Kind, Runner
from kgplatform.jobs.types import Job, LogLine, Schedule, Step, Task, Tick
from kgplatform.jobs.work import Work

__all__ = ["Job", "Kind", "Ledger", "LogLine", "Runner", "Schedule", "Step", "Task", "Tick", "Work"]
