"""What goes wrong between this machine and the hub, said with its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, errors, get_token

from ..errors import GatedModel, PullError
from ..sources import Source

_TOKEN = "give it to hocket with `hf auth login` or in HF_TOKEN"


@contextmanager
def explained(source: Source, revision: str, token: str | None) -> Iterator[None]:
    """Turns every error of huggingface_hub into a PullError that says what to do."""
    try:
        yield
    except errors.GatedRepoError as error:
        raise GatedModel(_gated(source, token)) from error
    except errors.RepositoryNotFoundError as error:
        raise PullError(_no_repository(source, error, token)) from error
    except errors.RevisionNotFoundError as error:
        raise PullError(
            f"{source.repository} has no revision {revision}: --revision main takes what is newest there"
        ) from error
    except errors.EntryNotFoundError as error:
        raise PullError(
            f"{source.repository} at {revision} lacks a file that it lists: try again later"
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise PullError(
            f"{source.repository} is not on this machine, and HF_HUB_OFFLINE forbids to ask for it: unset it"
        ) from error
    except errors.HfHubHTTPError as error:
        raise PullError(_refused(source, error.response.status_code, error, token)) from error
    except errors.HTTPError as error:
        raise PullError(
            f"cannot reach {constants.ENDPOINT} ({_reason(error)}): check the network, or name a mirror in "
            "HF_ENDPOINT; pulling again goes on where it stopped"
        ) from error


def _gated(source: Source, token: str | None) -> str:
    if _sent(token):
        return (
            f"{source.repository} is gated, and the token that was sent has no access to it: with the "
            f"account of that token open {source.page} and accept the conditions; a fine-grained token also "
            "needs the permission to read gated repositories (https://huggingface.co/settings/tokens)"
        )
    return (
        f"{source.repository} is gated: sign in and accept the conditions on {source.page}, make a token "
        f"at https://huggingface.co/settings/tokens, {_TOKEN}, and pull again"
    )


def _no_repository(source: Source, error: errors.HfHubHTTPError, token: str | None) -> str:
    status = error.response.status_code
    return _gated(source, token) if status == 401 and source.gated else _refused(source, status, error, token)


def _refused(source: Source, status: int, error: errors.HfHubHTTPError, token: str | None) -> str:
    said = error.response.headers.get("X-Error-Message") or error.response.reason_phrase
    if status == 401 and _sent(token):
        return (
            f"the hub does not accept the token that was sent (401, {said}): make another at "
            f"https://huggingface.co/settings/tokens and {_TOKEN}, or unset HF_TOKEN"
        )
    if status == 401:
        return f"the hub wants a token for {source.repository} (401, {said}): {_TOKEN}"
    if status == 403:
        return (
            f"the hub refuses {source.repository} (403, {said}): see {source.page}; a fine-grained token "
            "needs the permission to read gated repositories (https://huggingface.co/settings/tokens)"
        )
    if status == 404:
        return (
            f"{constants.ENDPOINT} has no {source.repository}, or not that revision of it: see "
            f"{source.page}; a mirror in HF_ENDPOINT may lack it"
        )
    return f"the hub failed on {source.repository} ({status}, {said}): try again later"


def _sent(token: str | None) -> bool:
    return bool(token or get_token())


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
