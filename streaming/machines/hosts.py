"""Hosts on a cluster: engines in processes of their own, wherever Ray finds a free core.

A replica that is lost, be it its process or its whole machine, is replaced by a new one, for which Ray looks
for a place again. What the old one held is gone; the store has it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from ..errors import HocketError, ServiceError
from ..events import Event
from ..server.protocol.messages import Start
from ..server.sessions.engines import Begun, Engines, HostLost, Work
from ..server.sessions.hosted import Outcome
from ..server.sessions.store import Kept

logger = logging.getLogger(__name__)

FIRST_SECONDS = 120.0  # for the first replica: a process begins, models are opened
LOOK_SECONDS = 2.0  # between looks at a machine that does not answer
AGAIN_SECONDS = 5.0  # before the next try where a replica could not begin


class Replica:
    """What runs over there: engines on one core, with models that it has opened itself."""

    def __init__(self, open_engines: Callable[[], Engines]) -> None:
        self._engines = open_engines()

    def node(self) -> tuple[str, str]:
        """The machine that it runs on: its id in the cluster, and its address."""
        return ray.get_runtime_context().get_node_id(), str(ray.util.get_node_ip_address())

    def begin(self, session: str, start: Start) -> Begun:
        return self._engines.begin(session, start)

    def restore(self, session: str, start: Start, kept: Kept, told: Sequence[Event], seconds: float) -> int:
        return self._engines.restore(session, start, kept, told, seconds)

    def run(self, works: Sequence[Work]) -> list[Outcome | Exception]:
        outcomes = self._engines.run(works)
        # errors travel as their words: one of a runtime's own might not survive being packed
        return [each if isinstance(each, Outcome) else HocketError(str(each)) for each in outcomes]


class ClusterHost:
    """A replica as a server's host: see `hocket.streaming.server.sessions.engines.Host`."""

    def __init__(self, open_engines: Callable[[], Engines]) -> None:
        self._open_engines = open_engines
        self._place()

    def _place(self) -> None:
        """Have Ray find a core for a new replica, spread over the machines that there are."""
        self.is_up, self._node, self._address = False, "", "a machine yet to be found"
        actor = ray.remote(num_cpus=1, scheduling_strategy="SPREAD")(Replica)
        self.replica = actor.remote(self._open_engines)
        self.beginning = self.replica.node.remote()

    def meet(self, node: tuple[str, str]) -> None:
        """The replica has begun, on that machine."""
        self._node, self._address = node
        self.is_up = True
        logger.info("a replica is up on %s", self._address)

    async def wait(self) -> None:
        while not self.is_up:
            try:
                self.meet(await self.beginning)
            except RayError as error:
                logger.error("a replica cannot begin: %s", reason(error))
                await asyncio.sleep(AGAIN_SECONDS)
                self._place()

    def begin(self, session: str, start: Start) -> Begun:
        begun: Begun = self._answer("begin", session, start)
        return begun

    def restore(self, session: str, start: Start, kept: Kept, told: Sequence[Event], seconds: float) -> int:
        sample: int = self._answer("restore", session, start, kept, told, seconds)
        return sample

    def run(self, works: Sequence[Work]) -> list[Outcome | Exception]:
        outcomes: list[Outcome | Exception] = self._answer("run", works)
        return outcomes

    def _answer(self, method: str, *arguments: Any) -> Any:
        if not self.is_up:
            raise HostLost("the replica is lost")
        answer = getattr(self.replica, method).remote(*arguments)
        try:
            while not ray.wait([answer], timeout=LOOK_SECONDS)[0]:
                self._check_node()
            return ray.get(answer)
        except RayTaskError as error:
            raise error.cause from None
        except RayError as error:
            lost = HostLost(f"the replica on {self._address} is lost: {type(error).__name__}")
            ray.kill(self.replica)  # it may only be out of reach, and must not go on alone
            self._place()
            raise lost from error

    def _check_node(self) -> None:
        """Raises RayActorError where the machine is dead: what it answered last may never come, nor fail."""
        if not any(node["NodeID"] == self._node and node["Alive"] for node in ray.nodes()):
            raise RayActorError(error_msg="its machine is dead")


def cluster_hosts(open_engines: Callable[[], Engines], num_replicas: int) -> list[ClusterHost]:
    """So many replicas, once the first is up; those for which there is no core yet are up when there is one.

    open_engines: called in each of them. Raises ServiceError where none can begin.
    """
    hosts = [ClusterHost(open_engines) for _ in range(num_replicas)]
    first, _ = ray.wait([host.beginning for host in hosts], num_returns=1, timeout=FIRST_SECONDS)
    if not first:
        raise ServiceError(f"no replica began within {FIRST_SECONDS:g} s: has the cluster a free core?")
    try:
        [node] = ray.get(first)
    except RayError as error:
        raise ServiceError(f"no replica can begin: {reason(error)}") from error
    next(host for host in hosts if host.beginning in first).meet(node)
    return hosts


def reason(error: RayError) -> str:
    """Ray's account of an error, cut down to what happened: the last line of a traceback, else the first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1] if getattr(error, "actor_init_failed", False) else lines[0]
