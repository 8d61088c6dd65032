"""Words of one speaker put together to what is read at once: the captions before they are events."""

from collections.abc import Sequence
from dataclasses import dataclass

from .attribution import PlacedWord


@dataclass(frozen=True, kw_only=True)
class LineRules:
    """Where one caption ends and the next begins.

    pause: seconds of silence that end a caption, and between sentences `breath`. characters: most in one, two
    lines of 42 as broadcasters have it; duration: most seconds. comfortable: characters from which a caption
    ends with its sentence, or with its clause.
    """

    pause: float = 1.0
    breath: float = 0.3
    characters: int = 84
    duration: float = 7.0
    comfortable: int = 42


@dataclass(eq=False, slots=True)
class Line:
    """Words of one speaker, in order, never none. Its id is that of the word it begins with."""

    words: list[PlacedWord]
    num_characters: int
    interrupted: bool = False  # whether another speaker has said something since its last word

    @property
    def id(self) -> int:
        return self.words[0].serial

    @property
    def speaker(self) -> str | None:
        return self.words[0].speaker

    @property
    def end(self) -> float:
        """When the last of its words has ended: not always the last word."""
        return max(word.end for word in self.words)

    def admits(self, word: PlacedWord, rules: LineRules) -> bool:
        """Whether the word goes on with this line."""
        last = self.words[-1]
        silence = word.start - last.end
        if silence >= rules.pause or (self.interrupted and word.turn != last.turn):
            return False
        num_characters = self.num_characters + 1 + len(word.word.text)
        if num_characters > rules.characters or word.end - self.words[0].start > rules.duration:
            return False
        full = self.num_characters >= rules.comfortable
        if last.ends_sentence:
            return not (full or silence >= rules.breath)
        return not (full and last.word.text.endswith((",", ";", ":", "–", "—")))

    def append(self, word: PlacedWord) -> None:
        self.words.append(word)
        self.num_characters += 1 + len(word.word.text)
        self.interrupted = False


def lay_out(words: Sequence[PlacedWord], rules: LineRules) -> list[Line]:
    """The lines that words, in order, make; each word's `line` is set to that of its own.

    Who talks over another keeps a line of their own: a line goes on past what others say as long as its
    speaker's turn does.
    """
    lines: list[Line] = []
    current: dict[str | None, Line] = {}
    for word in words:
        line = current.get(word.speaker)
        if line is not None and line.admits(word, rules):
            line.append(word)
        else:
            line = current[word.speaker] = Line([word], len(word.word.text))
            lines.append(line)
        word.line = line.id
        for other in current.values():
            other.interrupted = other.interrupted or other is not line
    return lines


def quiet_before(words: Sequence[PlacedWord], index: int, rules: LineRules, longest: float) -> bool:
    """Whether no line can reach across the place before words[index].

    longest: seconds that a word takes at most, which bounds how far back one may begin that is not over yet.
    """
    if index == len(words):
        return True
    start = words[index].start
    for before in range(index - 1, -1, -1):
        word = words[before]
        if start - word.end < rules.pause:
            return False
        if start - word.start >= rules.pause + longest:
            break
    return True
