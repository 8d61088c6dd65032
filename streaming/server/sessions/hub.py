"""All sessions of a server: begun, resumed, read, ended, restored after a crash, forgotten in time."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from hocket.streaming.clustering.people import Profile
from hocket.streaming.errors import HocketError, StoreError
from hocket.streaming.events import Event

from ..protocol.ends import LONGEST_GAP_SECONDS, Close, Rejected
from ..protocol.messages import Control, Missing, Refusal, Start
from .beginnings import begun, declared_in, given_up, restored
from .engines import Engines, Host, HostLost, Models, Work
from .figures import Figures
from .hosted import Outcome
from .inputs import Ending
from .limits import Limits
from .live import Connection, LiveSession, Tell
from .logs import Log, Logs
from .pace import Pace
from .remarks import remark, remark_end
from .retention import retire
from .rounds import Result, Rounds
from .store import Store

FINISH_SECONDS = 30.0
VACATE_SECONDS = 5.0
MOST_LOSSES = 3
_Made = TypeVar("_Made")


class Hub:
    """The sessions in a folder. `run` keeps them going; all else is called from the same event loop.

    hosts: where their engines live; in this process if none is named.
    tell: is called with the events of every session, once they are on disk.
    """

    def __init__(
        self,
        models: Models,
        folder: Path,
        limits: Limits,
        people: Sequence[Profile] = (),
        hosts: Sequence[Host] = (),
        tell: Callable[[Sequence[Event]], object] = len,
    ) -> None:
        self.limits = limits
        self._tell = tell
        self._writer, self._reader = Store(folder), Store(folder)
        self._rounds = [
            Rounds(host, self._writer, self._gather, self._deliver, self._settle, self._unsettle)
            for host in hosts or [Engines(models, people)]
        ]
        self.figures = Figures(
            lambda: len(self._live),
            lambda: sum(live.log.num_readers for live in self._live.values()),
            lambda: sum(live.is_waiting for live in self._live.values()),
        )
        self._pace = Pace(len(self._rounds), limits.longest_hop)
        self._moves: set[asyncio.Task[None]] = set()
        self._live: dict[str, LiveSession] = {}
        self._logs = Logs(self._reader)
        for listing in self._reader.listings():
            if listing.ended is None:
                log, start = self._logs.open(listing.id), declared_in(listing)
                log.seq = listing.seq
                self._live[listing.id] = LiveSession(listing.id, start, listing.token, log, listing.sample)

    @property
    def is_ready(self) -> bool:
        """Whether a session could be heard now."""
        return any(rounds.host.is_up for rounds in self._rounds)

    async def run(self) -> None:
        """Rounds and housekeeping, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for rounds in self._rounds:
                tasks.create_task(rounds.run())
            tasks.create_task(self._end_what_must())
            tasks.create_task(retire(self._writer, self.limits, self._logs.followed, self._rounds[0].call))

    async def finish(self, reason: str) -> None:
        """End the sessions that are under way, and wait until that is stored; `run` must still be running."""
        ending = [live for live in self._live.values() if live.rounds is not None or live.is_moving]
        for live in ending:
            live.give(Ending(reason))
        self.wake()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                for live in ending:
                    await live.over.wait()

    def close(self) -> None:
        """Let go of thread and files, after `run` was cancelled."""
        for move in self._moves:
            move.cancel()
        for rounds in self._rounds:
            rounds.close()
        self._writer.close()
        self._reader.close()

    @property
    def num_sessions(self) -> int:
        """How many go on."""
        return len(self._live)

    @property
    def sessions(self) -> list[str]:
        """Those that go on, by their names."""
        return list(self._live)

    # Producers

    async def begin(
        self, name: str, start: Start, token: str, connection: Connection, holder: str | None = None
    ) -> LiveSession:
        """A new session, or one that goes on, with its producer at the other end. Raises Rejected.

        token: what will resume it, or does. holder: whose session it then is, among those who have a bearer
        token.
        """
        if start.resume is not None:
            live = await self._resume(name, start, connection)
        else:
            live = await self._create(name, start, token, connection, holder)
        live.holder = holder
        return live

    def wake(self) -> None:
        """Say that a session was given something."""
        for rounds in self._rounds:
            rounds.wake()

    async def _create(
        self, name: str, start: Start, token: str, connection: Connection, holder: str | None
    ) -> LiveSession:
        await self._vacate(name)
        if name in self._live or self._reader.keeps(name):
            raise _taken(name)
        self.limits.check_room(holder, [live.holder for live in self._live.values()])
        digest = hashlib.sha256(token.encode()).digest()
        live = self._live[name] = LiveSession(name, start, digest, self._logs.open_new(name), 0)
        live.connection, live.holder = connection, holder
        try:
            live.rounds, events = await self._on_a_host(begun, name, start, digest)
        except StoreError as error:
            self._end(live)
            if self._reader.keeps(name):
                raise _taken(name) from error
            raise Rejected("internal", Close.INTERNAL, f"session {name!r} cannot be stored") from error
        except BaseException:
            self._end(live)
            raise
        live.hop = 0.0
        live.log.publish(_rows(events), is_last=False)
        self._tell(events)
        remark("begins", name, "begun")
        return live

    async def _vacate(self, name: str) -> None:
        """End a session that was given nothing and whose producer is gone: it died in the door."""
        live = self._live.get(name)
        if live is None or live.connection is not None or not live.is_untouched:
            return
        with contextlib.suppress(Rejected, TimeoutError):
            async with asyncio.timeout(VACATE_SECONDS):
                await self._wake_up(live)
                live.give(Ending("producer gone"))
                self.wake()
                await live.over.wait()

    async def _resume(self, name: str, start: Start, connection: Connection) -> LiveSession:
        live = self._live.get(name)
        assert start.resume is not None
        if live is None:
            raise Rejected("no_session", Close.NO_SESSION, f"no session {name!r} goes on: start it anew")
        if not hmac.compare_digest(hashlib.sha256(start.resume.token.encode()).digest(), live.digest):
            raise Rejected("forbidden", Close.FORBIDDEN, f"this token does not resume session {name!r}")
        declared, given = ((s.sample_rate, s.channels, s.channel) for s in (live.start, start))
        if declared != given:
            raise Rejected(
                "bad_config",
                Close.BAD_MESSAGE,
                f"session {name!r} has sample_rate {declared[0]}, channels {declared[1]}, channel "
                f"{'mix' if declared[2] is None else declared[2]}: send that, as at its start",
            )
        if live.connection is not None:
            live.connection.dismiss(
                Refusal(
                    code="superseded", message="another producer resumed this session", fatal=True,
                    close_code=Close.TAKEN,
                )
            )  # fmt: skip
        live.connection = connection
        live.start = replace(live.start, realtime=start.realtime)
        try:
            await self._wake_up(live)
            missing = start.resume.sample - live.sample
            if missing > LONGEST_GAP_SECONDS * start.sample_rate:
                message = f"resume at sample {start.resume.sample}: the session is at {live.sample}"
                raise Rejected("bad_config", Close.BAD_MESSAGE, message)
        except BaseException:
            self.leave(live, connection)
            raise
        if missing > 0:
            await live.hear(Missing(samples=missing, reason="lost while the producer was away"), connection)
            self.wake()
        remark("goes on", name, "resumed")
        return live

    async def _wake_up(self, live: LiveSession) -> None:
        """Have the session's engine on a host, from disk if need be. Raises Rejected where that cannot be."""
        async with live.restoring:
            if live.rounds is not None:
                return
            try:
                if live.losses >= MOST_LOSSES:
                    raise HostLost(f"{live.losses} hosts were lost over it")
                live.rounds, sample = await self._on_a_host(restored, live.name, live.start)
            except Rejected:
                raise
            except HocketError as error:
                await self._give_up(live, error)
                raise Rejected(
                    "internal", Close.NO_SESSION, f"session {live.name!r} has ended: {error}"
                ) from error
            if live.is_moving:
                live.is_moving = False
            else:
                live.resume_from(sample)

    async def _on_a_host(self, function: Callable[..., _Made], *arguments: Any) -> tuple[Rounds, _Made]:
        """Call it with store and host, that which has the fewest sessions. Raises Rejected if none is up."""
        while up := [rounds for rounds in self._rounds if rounds.host.is_up]:
            where = Counter(live.rounds for live in self._live.values())
            rounds = min(up, key=lambda rounds: where[rounds] + rounds.calls)
            with contextlib.suppress(HostLost):
                return rounds, await rounds.call(function, self._writer, rounds.host, *arguments)
        raise Rejected("full", Close.FULL, "nobody is up who could compute: come back later")

    async def _give_up(self, live: LiveSession, error: HocketError) -> None:
        """End a session that cannot go on; what it said stays."""
        remark(f"cannot go on: {error}", live.name, "failed", level=logging.ERROR)
        step = given_up(self._reader.listing(live.name), error)
        await self._rounds[0].call(self._writer.add, [step])
        live.log.publish(_rows(step.events), is_last=True)
        self._tell(step.events)
        self._end(live)

    # Admins and subscribers

    async def tell(self, name: str, control: Control, answer: Tell) -> None:
        """Have a session that goes on told something. Raises Rejected where there is none."""
        live = self._live.get(name)
        if live is None and self._reader.has(name):
            raise Rejected("no_session", Close.NO_SESSION, f"session {name!r} has ended: nothing changes it")
        if live is None:
            raise Rejected("no_session", Close.NO_SESSION, f"no session {name!r} goes on: start it first")
        await self._wake_up(live)
        await live.tell(control, answer)
        self.wake()

    def follow(self, name: str) -> contextlib.AbstractContextManager[Log]:
        """The log of a session, which may have ended, or not begun."""
        return self._logs.read(name)

    # Rounds

    def _gather(self, rounds: Rounds, most: int) -> list[Work]:
        waiting = [live for live in self._live.values() if live.is_waiting and live.rounds is rounds]
        waiting.sort(key=LiveSession.place)
        # those that a lost host was computing go alone once, to see whether it was one's fault
        suspects = [live for live in waiting if live.losses]
        works = []
        for live in suspects[:1] or waiting[:most]:
            if live.start.realtime:
                live.stretch(self._pace.hop)
            live.in_round, live.round_since = True, live.waiting_since
            works.append(Work(live.name, live.take()))
        return works

    def _deliver(self, works: list[Work], results: list[Result]) -> None:
        now = asyncio.get_running_loop().time()
        sessions = [self._live[work.session] for work in works]
        lags = [now - live.round_since for live in sessions if live.start.realtime]
        compute = sum(result.compute for result in results)
        self._pace.deliver(now, lags, compute)
        self.figures.round(compute)
        for live, result in zip(sessions, results, strict=True):
            live.in_round = False
            if isinstance(result.outcome, Outcome):
                step = result.outcome.step
                heard = step.seconds - live.seconds
                live.seconds = step.seconds
                live.log.lag = now - live.round_since
                live.log.rtf = result.compute / heard if heard > 0 else 0.0
                self.figures.outcome(step.events, heard, live.log.lag)
                live.conclude(result.outcome, _rows(step.events))
                self._tell(step.events)
                if step.is_last:
                    remark_end(live.name, step.seconds, step.events)
                    self._end(live)
            else:
                self._drop(live, result.outcome)

    def _drop(self, live: LiveSession, error: Exception) -> None:
        """Forget a session that failed, but not what is stored: its producer may resume it from there."""
        live.rounds = None
        live.resume_from(self._reader.listing(live.name).sample)
        if live.connection is not None:
            message = f"session {live.name!r} stumbled ({error}): resume it"
            live.connection.dismiss(
                Refusal(code="internal", message=message[:500], fatal=True, close_code=Close.INTERNAL)
            )

    # Hosts

    def _unsettle(self, lost: Rounds, computed: Collection[str]) -> None:
        """A host is gone: its sessions go on from the store on another, with all they were given since."""
        for live in self._live.values():
            if live.rounds is lost:
                live.put_back()
                live.losses += live.name in computed
        self._settle()

    def _settle(self) -> None:
        """Find a host for all who lost theirs."""
        for live in self._live.values():
            if live.is_moving and not live.restoring.locked():
                move = asyncio.create_task(self._move(live))
                self._moves.add(move)
                move.add_done_callback(self._moves.discard)

    async def _move(self, live: LiveSession) -> None:
        try:
            await self._wake_up(live)
        except Rejected as rejected:
            # where nobody is up, the next host that is has it moved; a session that cannot go on is told so
            if live.name not in self._live and live.connection is not None:
                live.connection.dismiss(rejected.refusal)
                live.connection = None
                live.resume_from(live.sample)  # lets go of a sender that waits for room
        else:
            remark("moved", live.name, "moved")
            self.wake()

    # Housekeeping

    def _end(self, live: LiveSession) -> None:
        self._live.pop(live.name, None)
        live.log.is_live = False
        self._logs.close(live.name)

    def leave(self, live: LiveSession, connection: Connection) -> None:
        """A producer's connection is gone; the session waits for it for a while."""
        if live.connection is connection:
            live.connection = None
            live.left_at = asyncio.get_running_loop().time()

    async def _end_what_must(self) -> None:
        """Sessions whose producer does not come back, and those that are as long as may be."""
        most = math.inf if self.limits.most_seconds is None else self.limits.most_seconds
        while True:
            await asyncio.sleep(min(1.0, self.limits.idle_seconds / 4))
            now = asyncio.get_running_loop().time()
            for live in list(self._live.values()):
                if live.connection is None and now - live.left_at > self.limits.idle_seconds:
                    with contextlib.suppress(Rejected):
                        await self._wake_up(live)
                        live.give(Ending("producer gone"))
                        self.wake()
                elif live.seconds >= most:
                    live.give(Ending("as long as a session may be"))
                    self.wake()


def _taken(name: str) -> Rejected:
    message = f"session {name!r} exists: resume it with its token, or choose another name"
    return Rejected("taken", Close.TAKEN, message)


def _rows(events: Sequence[Event]) -> list[tuple[int, str]]:
    return [(event.seq, json.dumps(event.to_dict())) for event in events]
