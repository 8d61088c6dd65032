"""Past one machine: engines and recordings on a Ray cluster. The only place that knows Ray."""

import os

from ..errors import MissingDependency

# Ray reads it when it is loaded: nobody outside is told that it was used.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

try:
    import ray as ray
except ImportError as error:
    raise MissingDependency("a cluster needs Ray: pip install 'hocket[ray]'") from error
