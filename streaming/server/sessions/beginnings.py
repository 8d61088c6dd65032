"""A session between disk and host: begun on both, brought back after a death, given up where that fails.

What takes a host is called in its rounds' thread.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from hocket.streaming.errors import HocketError
from hocket.streaming.events import Event, SessionEnd

from ..protocol.messages import Start
from .engines import Host
from .store import Listing, Step, Store


def begun(store: Store, host: Host, name: str, start: Start, digest: bytes) -> Sequence[Event]:
    """A new session's first events, once they and its state are on disk. Raises StoreError, HostLost."""
    made = host.begin(name, start)
    declared = json.loads(replace(start, resume=None).to_json())
    del declared["type"]
    store.create(name, digest, json.dumps(declared), made.snapshot, made.events)
    return made.events


def declared_in(listing: Listing) -> Start:
    """How a stored session's audio comes, as it was declared."""
    return Start(**json.loads(listing.declared))


def restored(store: Store, host: Host, name: str, start: Start) -> int:
    """The session as its last step left it; the sample that it goes on from.

    Raises StoreError, HostLost, and what the engine has against it.
    """
    listing, kept = store.listing(name), store.kept(name)
    told = [Event.from_dict(json.loads(event)) for _, event in store.events(name, kept.seq)]
    return host.restore(name, start, kept, told, listing.seconds)


def given_up(listing: Listing, error: HocketError) -> Step:
    """The end of a session that cannot go on; what it said stays."""
    end = SessionEnd(
        seq=listing.seq + 1, session=listing.id, at=listing.seconds, duration=listing.seconds, speakers=[],
        reason=f"cannot go on: {error}",
    )  # fmt: skip
    return Step(listing.id, (), [end], listing.sample, listing.seconds, is_last=True)
