"""Times as caption files write them."""


def clock_stamp(seconds: float, point: str) -> str:
    """HH:MM:SS and milliseconds after `point`; more digits of hours where there are as many."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def parse_stamp(text: str) -> float:
    """Seconds of [HH:]MM:SS and milliseconds after a point or a comma."""
    seconds = 0.0
    for part in text.replace(",", ".").split(":"):
        seconds = seconds * 60 + float(part)
    return round(seconds, 3)
