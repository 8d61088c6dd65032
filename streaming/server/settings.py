"""All that a server can be told, once: names, defaults, ranges and what they mean.

`gathering` fills it in from flags, the environment and a file.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from hocket.streaming.errors import ConfigError

WHERE, WHO, LIMITS, KEPT, WATCHED, MODELS = "Where", "Who", "Limits", "Kept", "Watched", "Models"
CLUSTER = "Past one machine"


@dataclass(frozen=True, slots=True)
class About:
    """What is to be known of a setting: what it means, in which unit, and which values it can have."""

    meaning: str
    group: str
    unit: str = ""
    least: float | None = None
    most: float = math.inf
    choices: tuple[str, ...] = ()


class OutOfRange(ConfigError):
    """A setting has a value that it cannot have. name: of the setting."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All that a server can be told. None: no limit, or not wanted. Raises OutOfRange."""

    host: Annotated[str, About("The address to listen on.", WHERE, "HOST")] = "127.0.0.1"
    port: Annotated[int, About("0 takes any that is free.", WHERE, "PORT", least=0, most=65_535)] = 8765
    data_dir: Annotated[Path, About("Where sessions are kept.", WHERE, "FOLDER")] = Path("hocket-sessions")

    tokens: Annotated[
        Path | None, About("TOML: produce = […], subscribe = […], admin = […], metrics = […].", WHO, "FILE")
    ] = None
    origin: Annotated[tuple[str, ...], About("Let pages from there in; may be repeated.", WHO, "URL")] = ()
    insecure: Annotated[bool, About("Let other machines in without tokens.", WHO)] = False
    tls_cert: Annotated[Path | None, About("Speak TLS by this certificate (chain), in PEM.", WHO, "FILE")] = (
        None
    )
    tls_key: Annotated[Path | None, About("The certificate's key, in PEM.", WHO, "FILE")] = None

    max_sessions: Annotated[int, About("Sessions at the same time.", LIMITS, "N", least=1)] = 64
    idle: Annotated[float, About("A producer may be silent or away so long.", LIMITS, "SECONDS", least=1)] = (
        60.0
    )
    max_sessions_per_token: Annotated[
        int | None, About("Of these, by whoever shows the same token.", LIMITS, "N", least=1)
    ] = None
    max_connections: Annotated[int, About("At the same time, of all kinds.", LIMITS, "N", least=1)] = 1000
    max_connections_per_address: Annotated[
        int, About("Of these, from one address; a proxy counts as one.", LIMITS, "N", least=1)
    ] = 500
    max_speed: Annotated[
        float, About("Times real time at which audio is read, for long.", LIMITS, "TIMES", least=1)
    ] = 100.0
    max_hours: Annotated[
        float | None, About("A session ends after so much audio.", LIMITS, "HOURS", least=0)
    ] = None

    threads: Annotated[
        int, About("That compute at the same time; 0 is one for each processor core.", LIMITS, "N", least=0)
    ] = 0
    longest_hop: Annotated[
        float,
        About(
            "To which hops of live audio may grow where computing falls behind; 0 is never.",
            LIMITS,
            "SECONDS",
            least=0,
        ),
    ] = 2.0

    keep_days: Annotated[
        float | None, About("Forget sessions so long after their end.", KEPT, "DAYS", least=0)
    ] = None
    keep_gb: Annotated[
        float | None, About("Forget the oldest beyond so much.", KEPT, "GIGABYTES", least=0)
    ] = None

    log: Annotated[
        str,
        About("What it does, on standard error: for people, or JSON.", WATCHED, choices=("text", "json")),
    ] = "text"

    people: Annotated[
        Path | None,
        About("Call those by name whose voices this store knows: see hocket people.", MODELS, "STORE"),
    ] = None
    models: Annotated[
        str, About("A pair of models (hocket models list), or a folder that holds both.", MODELS, "NAME")
    ] = "default"
    segmentation_model: Annotated[
        str | None, About("Another model for who speaks when, instead of the pair's.", MODELS, "NAME|FOLDER")
    ] = None
    embedding_model: Annotated[
        str | None, About("Another model for telling voices apart.", MODELS, "NAME|FOLDER")
    ] = None
    runtime: Annotated[
        str, About("What runs the models.", MODELS, choices=("auto", "native", "portable"))
    ] = "auto"
    compute_units: Annotated[
        str,
        About("For the native runtime.", MODELS, choices=("all", "cpu", "cpu-and-gpu", "cpu-and-ne")),
    ] = "all"

    mqtt: Annotated[
        str | None,
        About(
            "Events to a broker, mqtt://user:password@host/prefix; with ?audio=1, microphones from there.",
            KEPT,
            "URL",
        ),
    ] = None

    ray: Annotated[
        str | None,
        About(
            "Compute on a Ray cluster: HOST:PORT of its head, auto where this machine is part of it, local.",
            CLUSTER,
            "ADDRESS",
        ),
    ] = None

    def __post_init__(self) -> None:
        for name, about in ABOUT.items():
            _check(name, getattr(self, name), about)


_HINTS = get_type_hints(Settings, include_extras=True)
ABOUT: dict[str, About] = {name: get_args(hint)[1] for name, hint in _HINTS.items()}


def kind_of(name: str) -> type:
    """What a setting is where it is given: str, int, float, bool, Path, or tuple (of str)."""
    kind = get_args(_HINTS[name])[0]
    if isinstance(kind, UnionType):
        [kind] = (each for each in get_args(kind) if each is not type(None))
    made: type = get_origin(kind) or kind
    return made


def _check(name: str, value: Any, about: About) -> None:
    if about.choices and value not in about.choices:
        raise OutOfRange(name, f"{name} {value!r}: expected {' or '.join(about.choices)}")
    if value is None or about.least is None:
        return
    if not about.least <= value <= about.most or math.isinf(value):
        bounds = f"{about.least:g} " + ("or more" if math.isinf(about.most) else f"to {about.most:.0f}")
        raise OutOfRange(name, f"{name} {value}: expected {bounds}")


DEFAULTS = Settings()
