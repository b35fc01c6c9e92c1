"""How a command asks a server: which one, with which key, and what goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx
import msgspec

from clew.core.errors import BadRequest, ClewError, NotSignedIn, Unavailable
from clew.core.settings import Settings, load
from clew.operations.running_server import RunningServer, find_server

ANSWER_S = 60.0
"""How long an answer may be awaited. The server itself bounds a question to CLEW_LOG_TIMEOUT_S."""

Function = TypeVar("Function", bound=Callable[..., Any])


class Refused(ClewError):
    """The server answered, and refused."""


def server_options(command: Function) -> Function:
    """The options of a command that asks a server: `url` and `key`, each "" where it is not given."""
    url = click.option("--url", default="", help="The server to ask.  [default: the one on CLEW_DATA_DIR]")
    key = click.option("--api-key", "key", default="", help="The key to ask with.  [default: CLEW_API_KEY]")
    return url(key(command))


def find_address(settings: Settings, url: str = "", key: str = "") -> tuple[str, str]:
    """Where a server is, and a key for it: as given, as the settings say, or as a server on the data directory says.

    Raises `Unavailable` where none of them names a server, `NotSignedIn` where none gives a key.
    """
    url, key = url or settings.server_url, key or settings.api_key
    local = find_server(Path(settings.data_dir))
    if not url and local is None:
        raise Unavailable(
            f"No server runs on {settings.data_dir}.",
            hint="Name one with --url and --api-key, start one with `clew serve`, or set CLEW_DATA_DIR.",
        )
    if not key and local is not None and url.rstrip("/") in ("", local.url):
        key = local.key
    key = key or settings.admin_key
    if not key:
        raise NotSignedIn("There is no key to ask with.", hint="Give it with --api-key, or set CLEW_API_KEY.")
    return (url or _url_of(local)).rstrip("/"), key


def _url_of(local: RunningServer | None) -> str:
    return local.url if local else ""


@contextmanager
def connect(url: str = "", key: str = "", settings: Settings | None = None) -> Iterator[httpx.Client]:
    """A client of the server, see `find_address`. Inside, what goes wrong on the way is an `Unavailable`."""
    where, with_key = find_address(settings or load(), url, key)
    headers = {"authorization": f"Bearer {with_key}"}
    try:
        # Not through a proxy that the environment names: the server is the operator's own.
        with httpx.Client(base_url=where, headers=headers, timeout=ANSWER_S, trust_env=False) as client:
            yield client
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            f"The server at {where} does not answer: {str(error) or type(error).__name__}.",
            hint="Look whether it runs: `clew doctor`.",
        ) from error


def check_answer(answer: httpx.Response) -> httpx.Response:
    """The answer, where it is none that refuses.

    Raises with what the server said: `BadRequest` where it could not read what it was asked, else `Refused`.
    """
    if answer.is_success:
        return answer
    answer.read()
    try:
        problem = msgspec.json.decode(answer.content)
        detail, hint = str(problem["detail"]), str(problem.get("hint", ""))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        detail, hint = f"The server answered {answer.status_code}.", ""
    refusal = BadRequest if answer.status_code == BadRequest.status else Refused
    raise refusal(detail, hint=hint)
