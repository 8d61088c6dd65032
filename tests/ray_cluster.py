"""A Ray cluster of two nodes on this machine, of which one can be killed."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

if TYPE_CHECKING:
    from hocket.streaming.machines.hosts import ClusterHost

ROOT = Path(__file__).parents[1]
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20}
# a node that does not answer is dead after some 14 s; Ray itself takes a minute
SOON = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 3000,
    "health_check_failure_threshold": 4,
}


def require_ray() -> None:
    """Skips the tests, with the reason, where there is no Ray."""
    pytest.importorskip("ray", reason="no Ray here: pip install 'hocket[ray]'")


class TwoNodes:
    """address: what `--ray` takes."""

    def __init__(self, cluster: Any) -> None:
        self.address: str = cluster.address
        self._cluster = cluster
        self._second = cluster.add_node(**NODE)

    def on_first(self, hosts: "Sequence[ClusterHost]") -> "list[ClusterHost]":
        """Those whose replica is on the node that cannot be killed."""
        return [host for host in hosts if _place_of(host)[1] != self._second.node_id]

    def kill_second(self, hosts: "Sequence[ClusterHost]") -> None:
        """The second node dies, and with it whatever replica it has."""
        there = [process for process, node in map(_place_of, hosts) if node == self._second.node_id]
        self._cluster.remove_node(self._second, allow_graceful=False)
        for process in there:  # it could live on for a while, and work, without its node's daemon
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def add_another(self) -> None:
        """A node in its place."""
        self._second = self._cluster.add_node(**NODE)


@contextlib.contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """The first node is that of the test; each has room for one replica."""
    from ray.cluster_utils import Cluster

    # replicas find the tests' own models by it
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with mock.patch.dict(os.environ, {"PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0"}):
        cluster = Cluster(
            initialize_head=True, head_node_args={**NODE, "include_dashboard": False, "_system_config": SOON}
        )
        try:
            yield TwoNodes(cluster)
        finally:
            cluster.shutdown()


def kill_replica(host: "ClusterHost") -> None:
    """SIGKILL for the process that a host's engines live in."""
    os.kill(_place_of(host)[0], signal.SIGKILL)


def _place_of(host: "ClusterHost") -> tuple[int, str]:
    """A replica's process, and its node."""
    import ray

    place: tuple[int, str] = ray.get(host.replica.__ray_call__.remote(_here))
    return place


def _here(replica: object) -> tuple[int, str]:
    import ray

    return os.getpid(), ray.get_runtime_context().get_node_id()
