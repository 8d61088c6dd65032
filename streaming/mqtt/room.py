"""How a session stands: who speaks now and who was heard, folded from its events."""

from typing import Any

from ..events import Change, Event, Revision, SessionEnd, SpeakerNew, SpeakerUpdate

NOBODY = "none"
LONGEST_STATE = 255  # characters that Home Assistant keeps of a state


class Room:
    """What a late subscriber should find of one session. Grows with its speakers, not with its length.

    run: tells this session from an earlier one of the same name, whose `seq` began at 1 too.
    """

    def __init__(self, session: str, run: str) -> None:
        self.session = session
        self.run = run
        self.is_over = False
        self._speaking: list[str] = []
        self._known: dict[str, dict[str, str]] = {}  # speaker -> name, profile
        self._aliases: dict[str, str] = {}
        self._newest = self._newest_of_speakers = {"seq": 0, "at": 0.0}

    def add(self, event: Event) -> bool:
        """Take the next event; whether it changed what `state` and `speakers` say."""
        self._newest = {"seq": event.seq, "at": event.at}
        if event.seq == 1 or isinstance(event, SpeakerNew | SpeakerUpdate | Revision):
            self._newest_of_speakers = self._newest
        match event:
            case Change(speakers=speakers):
                self._speaking = list(speakers)
            case SpeakerNew() | SpeakerUpdate():
                self._identify(event)
            case Revision(merged=merged) if merged:
                self._aliases.update(merged)
            case SessionEnd():
                self.is_over, self._speaking = True, []
            case _:
                return event.seq == 1
        return True

    def _identify(self, event: SpeakerNew | SpeakerUpdate) -> None:
        known = self._known.setdefault(event.speaker, {})
        if event.name is not None:
            known["name"] = event.name
        if event.profile:
            known["profile"] = event.profile
        elif event.profile is not None:
            known.pop("profile", None)
        if isinstance(event, SpeakerUpdate) and event.merged_into is not None:
            self._aliases[event.speaker] = event.merged_into

    def state(self, dropped: int = 0) -> dict[str, Any]:
        """Who speaks now. dropped: provisional events that were let go while the broker was away."""
        speaking = list(dict.fromkeys(self._resolve(speaker) for speaker in self._speaking))
        return {
            **self._name(),
            **self._newest,
            "active": not self.is_over,
            "speaking": bool(speaking),
            "speaker": self.named(speaking),
            "speakers": [self._entry(speaker) for speaker in speaking],
            "count": len(self._present()),
            "dropped": dropped,
        }

    def speakers(self) -> dict[str, Any]:
        """Everybody who was heard and is not somebody else by now, in the order of their first appearance."""
        return {
            **self._name(),
            **self._newest_of_speakers,
            "speakers": [self._entry(speaker) for speaker in self._present()],
            "merged": {old: self._resolve(old) for old in self._aliases},
        }

    def named(self, speakers: list[str]) -> str:
        """Speakers as one line of text for people."""
        names = [self._known.get(speaker, {}).get("name", speaker) for speaker in speakers]
        line = " + ".join(names) or NOBODY
        return line if len(line) <= LONGEST_STATE else line[: LONGEST_STATE - 1] + "…"

    def _name(self) -> dict[str, str]:
        return {"session": self.session, "run": self.run}

    def _entry(self, speaker: str) -> dict[str, str]:
        return {"id": speaker, **self._known.get(speaker, {})}

    def _present(self) -> list[str]:
        return [speaker for speaker in self._known if speaker not in self._aliases]

    def _resolve(self, speaker: str) -> str:
        while speaker in self._aliases:
            speaker = self._aliases[speaker]
        return speaker
