"""The composition root of the faces: settings in, and what they open lazily, closed together."""

from __future__ import annotations

import re
import shutil
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kgplatform import settings as settings_module
from kgplatform.errors import BadRequest, NotFound
from kgplatform.names import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harvest.documents.mentions import Reader
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.jobs import Ledger, Runner, Task, Work
    from kgplatform.lm.ports import Decoder, Encoder, TokenScorer
    from kgplatform.settings import Settings
    from kgplatform.types import Forgotten
    from reasoning.agent.marks import Marks
    from reasoning.recommend.beside import Beside
    from ui.cli.screen import Screen


def load(*, home: str | None = None, graph: str | None = None) -> Settings:
    """The settings, with what a person named for this once; ``graph`` is a database where a Neo4j is configured."""
    settings = settings_module.load({"KG_HOME": home})
    if graph is None:
        return settings
    name = "NEO4J_DATABASE" if settings["NEO4J_URI"] and not graph.startswith("snapshot:") else "KG_GRAPH"
    return settings_module.load({"KG_HOME": home, name: graph})


class Models:
    """The models of the settings, each loaded when it is first used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def causal(self) -> tuple[TokenScorer, Decoder]:
        """The scorer, and the same model asked for what comes next."""
        from kgplatform.opening import causal

        return causal(self._settings)

    @cached_property
    def scorer(self) -> TokenScorer:
        return self.causal[0]

    @cached_property
    def encoder(self) -> Encoder:
        from kgplatform.opening import encoder

        return encoder(self._settings)

    @cached_property
    def reader(self) -> Reader:
        from harvest.documents.mentions import Reader
        from kgplatform.opening import reader

        return Reader(reader(self._settings))


class Wire:
    """The graph, the models and the jobs of one command, one page or one worker, each opened when it is first used.

    Use it as a context manager, or ``close`` it.
    """

    def __init__(self, settings: Settings, models: Models | None = None, creates: bool = True) -> None:
        """Without ``creates``, a graph that a person named must be there."""
        self.settings = settings
        self.creates = creates
        self.models = models or Models(settings)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @cached_property
    def graph(self) -> KnowledgeGraph:
        from kgplatform.opening import connect

        return connect(settings=self.settings, create=self.creates or self.settings.origins["KG_GRAPH"] == "default")

    @property
    def scorer(self) -> TokenScorer:
        return self.models.scorer

    @property
    def encoder(self) -> Encoder:
        return self.models.encoder

    @property
    def reader(self) -> Reader:
        return self.models.reader

    @cached_property
    def ledger(self) -> Ledger:
        from kgplatform.jobs import Ledger

        return Ledger(self.settings.home / "jobs.sqlite")

    @property
    def zone(self) -> str:
        """The time zone of schedules that name none."""
        from kgplatform.jobs import cron

        return self.settings["TZ"] or cron.local_zone()

    def runner(self, screen: Screen | None = None) -> Runner:
        """Runs every kind of job there is; ``screen`` is where one in the foreground tells how far it is."""
        from kgplatform.jobs import Runner
        from ui import tasks

        kinds = {name: partial(self._do, name, screen) for name in tasks.KINDS}
        return Runner(self.ledger, kinds, logged=tasks.LOGGED)

    def task(self, kind: str, arguments: Mapping[str, Any]) -> Task:
        """A task on the graph of these settings; ``config`` names the models that its outcome depends on besides."""
        from kgplatform.jobs import Task

        return Task(kind, arguments, place(self.settings), self._models(kind, arguments))

    def _models(self, kind: str, arguments: Mapping[str, Any]) -> str:
        """Those that a job depends on: whether an argument or a setting names one does not matter."""
        from ui import tasks

        def named(setting: str) -> str:
            given = (arguments.get(name) for name in tasks.NAMING.get(setting, ()))
            return next(filter(None, given), self.settings[setting])

        return " ".join(f"{setting}={named(setting)}" for setting in tasks.KINDS[kind].models)

    def _do(self, kind: str, screen: Screen | None, work: Work, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Do a job on the graph, and with the models, that it was made for."""
        from ui import tasks

        if (made_for := work.job.task.config) != (here := self._models(kind, arguments)):
            needed, found = _in_words(made_for), _in_words(here)
            raise BadRequest(f"this job is for {needed}, and here is {found}: set that where it is run, or ask for the work anew")
        wanted = work.job.task.graph
        if wanted == place(self.settings):
            return tasks.do(kind, tasks.Doing(self, work, arguments, screen))
        with Wire(_elsewhere(self.settings, wanted), self.models, tasks.KINDS[kind].creates) as wire:
            return tasks.do(kind, tasks.Doing(wire, work, arguments, screen))

    @property
    def learned(self) -> Path:
        """The folder of what completions of this graph leave for the next one."""
        return learned(self.settings.home, place(self.settings))

    @property
    def beside(self) -> Beside:
        """The interactions beside this graph."""
        from reasoning.recommend.beside import Beside

        return Beside(interactions(self.settings.home, place(self.settings)))

    @property
    def expansions(self) -> Path:
        """The folder of what expansions of this graph left, a folder for each run."""
        return self.settings.home / "expansions" / digest(place(self.settings))

    @property
    def hypotheses(self) -> Path:
        """The file of what was composed out of things of this graph."""
        return self.settings.home / "hypotheses" / f"{digest(place(self.settings))}.jsonl"

    @property
    def snapshots(self) -> Path:
        """The folder of the snapshots of all graphs."""
        return self.settings.home / "snapshots"

    @property
    def marks(self) -> Marks:
        """The questions to this graph whose right answers were told."""
        from reasoning.agent.marks import Marks

        return Marks(marks(self.settings.home, place(self.settings)))

    def forget(self, source: str) -> tuple[Forgotten, int]:
        """Withdraw a source from the graph, and what chat models answered to its text: how many answers. Raises ``NotFound``."""
        from harvest.expand.composing import Hypotheses
        from kgplatform.lm import cached_chat, structured
        from kgplatform.lm.wrapping import answers_file
        from kgplatform.types import Forgotten
        from reasoning.recommend import ground

        quarantine = self.settings.home / "quarantine"
        shutil.rmtree(self.learned, ignore_errors=True)  # names and facts of the source are in what graph models keep
        ground.forget(self.beside)
        self.ledger.erase(source)
        Hypotheses(self.hypotheses).forget(source)
        erased = cached_chat.erase(answers_file(self.settings), source) + structured.erase(quarantine, source)
        try:
            return self.graph.forget(source), erased
        except NotFound:
            if not erased:
                raise
            return Forgotten(), erased

    def forget_run(self, run: str) -> Forgotten:
        """Withdraw what a run observed and merged, and what is kept of it; taken up again it begins anew.

        Raises ``NotFound``, or ``JobBusy`` while it runs.
        """
        from kgplatform.types import Forgotten
        from ui import expansions

        jobs = self.ledger.withdraw(run, place(self.settings))
        shutil.rmtree(expansions.folder(self.expansions, run), ignore_errors=True)
        shutil.rmtree(self.learned, ignore_errors=True)
        try:
            return self.graph.forget(run=run)
        except NotFound:
            if not jobs:
                raise
            return Forgotten()

    def would_forget_run(self, run: str) -> Forgotten:
        """What that would take from the graph; nothing is written. Raises ``NotFound``."""
        from kgplatform.types import Forgotten

        try:
            return self.graph.would_forget_run(run)
        except NotFound:
            if not self.ledger.of_run(run, place(self.settings)):
                raise
            return Forgotten()

    def forget_interactions(self, users: Sequence[str] = ()) -> tuple[int, int]:
        """Take back what these users took, or all, with what knows of it: the recommender, trainings that broke off, a mirror.

        How many interactions are gone, and how many from the mirror. Raises ``NotFound``.
        """
        gone = self.beside.forget(users) if users else self.beside.clear()
        for job in self.ledger.jobs():
            if job.task.kind == "interactions learn":
                shutil.rmtree(self.going(job.run), ignore_errors=True)
        return gone, self.graph.drop_interactions()

    def going(self, run: str) -> Path:
        """The folder of what a job needs to go on where it was; it goes when the job is done."""
        return self.settings.home / "jobs" / run

    def close(self) -> None:
        """Close what was opened."""
        if "graph" in self.__dict__:
            self.graph.close()


def learned(home: Path, graph: str) -> Path:
    """The folder of what completions of a graph leave for the next one; ``graph`` as ``place`` says it."""
    return home / "completion" / digest(graph)


def interactions(home: Path, graph: str) -> Path:
    """The folder of who took what, and of what was learned from it; ``graph`` as ``place`` says it."""
    return home / "interactions" / digest(graph)


def marks(home: Path, graph: str) -> Path:
    """The file of questions whose right answers were told; ``graph`` as ``place`` says it."""
    return home / "marks" / f"{digest(graph)}.jsonl"


def place(settings: Settings) -> str:
    """Which graph these settings mean, in words: ``kg``, or ``neo4j at bolt://…``."""
    if settings["KG_GRAPH"].startswith("snapshot:"):
        return settings["KG_GRAPH"]
    return f"{settings['NEO4J_DATABASE']} at {settings['NEO4J_URI']}" if settings["NEO4J_URI"] else settings["KG_GRAPH"]


def _in_words(models: str) -> str:
    """The models that a job depends on, for a person: what is set to nothing is not set."""
    return re.sub(r"\b(KG_\w+)=(?=,|$)", r"no \1", models.replace(" KG_", ", KG_"))


def _elsewhere(settings: Settings, wanted: str) -> Settings:
    """The settings for another graph of the same server. Raises ``BadRequest`` for one of another server."""
    name, _, server = wanted.partition(" at ")
    if server != settings["NEO4J_URI"]:
        here = settings["NEO4J_URI"] or "the local server"
        raise BadRequest(f"this job is for {server or 'the local server'}, and {here} is configured here: see NEO4J_URI")
    return load(home=str(settings.home), graph=name)
