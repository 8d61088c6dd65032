"""How much a server takes on, for how long, and what it says to those for whom there is no room."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..protocol.ends import Close, Rejected


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """idle_seconds: without a frame before a producer is sent away, and then before its session ends.

    most_sessions_per_token: of those that go on; None for no limit.
    most_speed: times real time at which audio of a producer is read, for long.
    most_seconds: of audio that a session may hold; then it ends. None for no limit.
    longest_hop: seconds to which hops of live sessions are stretched before audio is dropped; 0 for never.
    keep_days, keep_bytes: of ended sessions; None for no limit.
    """

    most_sessions: int = 64
    most_sessions_per_token: int | None = None
    most_speed: float = 100.0
    idle_seconds: float = 60.0
    most_seconds: float | None = None
    longest_hop: float = 2.0
    keep_days: float | None = None
    keep_bytes: int | None = None

    def check_room(self, holder: str | None, holders: Sequence[str | None]) -> None:
        """Raises Rejected where no session may begin beside those of `holders`, or not of this one.

        A holder stands for a bearer token; None where nobody needs one.
        """
        if len(holders) >= self.most_sessions:
            raise Rejected(
                "full", Close.FULL, f"{len(holders)} sessions go on, which is all: come back later"
            )
        most = self.most_sessions_per_token
        if most is not None and holder is not None and holders.count(holder) >= most:
            message = f"{most} sessions of this token go on, which is all it may have"
            raise Rejected("too_many", Close.TOO_MANY, f"{message}: end one, or see --max-sessions-per-token")
