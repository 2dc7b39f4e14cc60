"""Pages of one list, one after another, by dlt's REST client: paging, logging in, waiting, giving up.

A page is in memory while it is read, no longer. Credentials go to the address they are meant for only:
neither a redirect nor a link to a next page leads them elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any
from urllib.parse import urljoin, urlsplit

from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests.session import Session
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth, HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import BaseNextUrlPaginator
from requests import HTTPError, Request, RequestException, Response

from orchestration.pulling.access import Access
from orchestration.pulling.endpoints import Endpoint
from orchestration.pulling.failures import Place, PullFailed, explain
from orchestration.pulling.pages import MalformedPage, Page, Record, read_page
from orchestration.pulling.waiting import Patience
from orchestration.pulling.windows import Window

# Seconds to connect, and between two bytes of an answer.
TIMEOUT = (10, 120)
_PORTS = {"http": 80, "https": 443}


class _NextPage(BaseNextUrlPaginator):
    """Follows a page's own link, within the API it came from, and to no page twice."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.home = _origin(base_url)
        # Of the addresses only what tells them apart: a list may have very many pages.
        self.seen: set[bytes] = set()

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Note where the page says the next one is. Raises MalformedPage where that cannot be followed."""
        assert isinstance(data, Page)
        self._next_reference = data.next_link
        if data.next_link is None:
            return
        try:
            target = urljoin(response.url, data.next_link)
            origin, mark = _origin(target), _mark(target)
        except ValueError as error:  # a port that is no number, half a bracket, half a character
            raise MalformedPage("has a link to a next page that is not an address") from error
        if origin != self.home:
            raise MalformedPage("links to a next page at another address")
        if target == response.url:
            raise MalformedPage("links to itself as the next page")
        self.seen.add(_mark(response.url))
        if mark in self.seen:
            raise MalformedPage("links to a page that was read before as the next page")

    def update_request(self, request: Request) -> None:
        if self._next_reference:
            super().update_request(request)


class _ExactClient(RESTClient):
    """Hands on pages as pages.py reads them."""

    def __init__(self, endpoint: Endpoint, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.endpoint = endpoint

    def extract_response(self, response: Response, data_selector: Any) -> Page:
        return read_page(response.content, self.endpoint)


def _mark(url: str) -> bytes:
    """Tells addresses apart. Raises UnicodeEncodeError for halves of characters."""
    return blake2b(url.encode("utf-8"), digest_size=16).digest()


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """What credentials are meant for. Raises ValueError where the text is not an address."""
    found = urlsplit(url)
    return found.scheme, found.hostname, found.port or _PORTS.get(found.scheme)


def _refuse_errors(response: Response, *_: Any, **__: Any) -> None:
    if response.status_code != 200:
        response.content  # noqa: B018 - read while the connection stands: what it says is quoted
        raise HTTPError(f"HTTP {response.status_code}", response=response)


class ListClient:
    """Reads one endpoint with one vendor's access; keeps its connection between pages and accounts."""

    def __init__(self, endpoint: Endpoint, access: Access, patience: Patience, say: Callable[[str], None]) -> None:
        self.endpoint = endpoint
        self.access = access
        session = Session(timeout=TIMEOUT, raise_for_status=False)
        session.send = patience.applied_to(session.send, say)  # type: ignore[method-assign]
        auth = HttpBasicAuth(access.user, access.secret) if access.user else BearerTokenAuth(access.secret)
        self.session = session
        self.client = _ExactClient(
            endpoint,
            base_url=access.base_url,
            headers={"Accept": "application/json"},
            auth=auth,
            session=session,
            # Said here, so that dlt looks for no configuration, in no folder.
            config=RuntimeConfiguration(dlthub_telemetry=False),
        )

    def close(self) -> None:
        self.session.close()

    def pages(self, account: str, window: Window) -> Iterator[list[Record]]:
        """The pages of an account's list for a window. Raises PullFailed where one cannot be had."""
        place = Place(self.endpoint.source, account, 1)
        pages = self.client.paginate(
            self.endpoint.path.format(account=account),
            params=self.endpoint.parameters(window.first_day, window.end_day),
            paginator=_NextPage(self.access.base_url),
            data_selector=self.endpoint.list_key,
            hooks={"response": [_refuse_errors]},
            allow_redirects=False,
        )
        while True:
            try:
                page = next(pages)
            except StopIteration:
                return
            except RequestException as error:
                raise explain(error, place, self.access) from error
            except OSError as error:  # not of the network, which has errors of its own
                raise PullFailed(
                    self.access.redacted(f"{place}: {self.access.base_url} cannot be asked ({error})"),
                    "Check REQUESTS_CA_BUNDLE and the proxy, then pull again.",
                ) from error
            except MalformedPage as error:
                raise PullFailed(
                    f"{place}: the response from {self.access.vendor} {error}",
                    f"Pull again; if the error stays, check {self.access.url_variable}.",
                ) from error
            yield page
            place = Place(place.source, account, place.page + 1)
