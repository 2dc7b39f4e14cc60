"""The shipped nginx configuration in front of the real web servers: what each rule lets in and refuses."""

from __future__ import annotations

import http.client
import ssl
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.deploy.stack import OPERATOR, VIEWER, Deployment

pytestmark = pytest.mark.needs_programs

EVIL = "https://evil.example.com"
SET_LIMIT = 'mutation { setConcurrencyLimit(concurrencyKey: "%s", limit: 3) }'
LIMITS = "{ instance { concurrencyLimits { concurrencyKey } } }"


def keys(deployed: Deployment) -> set[str]:
    """Concurrency keys with a limit: what the mutations of these tests leave behind where they are let through."""
    limits = deployed.graphql(LIMITS)["instance"]["concurrencyLimits"]
    return {limit["concurrencyKey"] for limit in limits}


def ask(deployed: Deployment, method: str, path: str, user: Any = OPERATOR, **options: Any) -> requests.Response:
    return requests.request(
        method,
        deployed.url + path,
        auth=user,
        verify=str(deployed.certificate),
        timeout=60,
        allow_redirects=False,
        **options,
    )


def test_nobody_comes_in_without_a_login(deployed: Deployment) -> None:
    for user, path in ((None, "/"), (None, "/logs/x"), ((OPERATOR[0], "guessed"), "/"), (("nobody", OPERATOR[1]), "/")):
        assert ask(deployed, "GET", path, user).status_code == 401, (user, path)
    posted = ask(deployed, "POST", "/graphql", None, json={"query": "{version}"}, headers=deployed.same_origin)
    assert posted.status_code == 401
    plain = requests.get(f"http://localhost:{deployed.installed.http_port}/runs", timeout=60, allow_redirects=False)
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://localhost/runs")


def test_a_mutation_in_an_address_is_obeyed_by_the_bare_server_and_refused_by_the_proxy(deployed: Deployment) -> None:
    query = {"query": SET_LIMIT % "by-get-bare"}
    bare = requests.get(f"{deployed.bare}/graphql", params=query, headers={"Origin": EVIL}, timeout=60)
    assert bare.json() == {"data": {"setConcurrencyLimit": True}}
    assert "by-get-bare" in keys(deployed), "the trap is real"

    for method in ("GET", "HEAD"):
        for path in ("/graphql", "//graphql", "/./graphql", "/%67raphql", "/graphql/", "/graphql%3F", "/x/../graphql"):
            answer = ask(deployed, method, path, params={"query": SET_LIMIT % "by-get"}, headers=deployed.same_origin)
            assert answer.status_code in (404, 405) or "text/html" in answer.headers["Content-Type"], path
    assert ask(deployed, "GET", "/graphql", params={"query": "{version}"}).status_code == 405
    assert "by-get" not in keys(deployed)


def test_a_post_of_another_page_is_refused_and_of_the_ui_is_not(deployed: Deployment) -> None:
    body = {"query": SET_LIMIT % "by-post"}
    bare = requests.post(f"{deployed.bare}/graphql", json={"query": "{version}"}, headers={"Origin": EVIL}, timeout=60)
    assert bare.status_code == 200, "the bare server asks nobody where he comes from"
    for headers in (
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": deployed.url.replace("https", "http")},
        {"Origin": "https://localhost"},  # another port is another origin
        {"Origin": f"{deployed.url}.evil.example.com"},
        {"Origin": deployed.url, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ):
        assert ask(deployed, "POST", "/graphql", json=body, headers=headers).status_code == 403, headers
    # What a form can send without asking first.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/graphql", "x; application/json", ""):
        headers = {**deployed.same_origin, "Content-Type": kind}
        params = {"query": SET_LIMIT % "by-post"}
        assert ask(deployed, "POST", "/graphql", params=params, headers=headers, data="{}").status_code == 405, kind
    assert "by-post" not in keys(deployed)
    # The UI's own, and a program's, which is no browser and says nothing of where it comes from.
    for headers in (deployed.same_origin, {}):
        assert ask(deployed, "POST", "/graphql", json=body, headers=headers).json()["data"] == {
            "setConcurrencyLimit": True
        }
    assert "by-post" in keys(deployed)


def test_events_cannot_be_posted_into_the_history(deployed: Deployment) -> None:
    for kind in ("materialization", "check", "observation"):
        for method in ("POST", "PUT", "DELETE"):
            answer = ask(deployed, method, f"/report_asset_{kind}/publishing/release", headers=deployed.same_origin)
            assert answer.status_code == 405


def test_a_name_that_is_not_ours_is_not_answered(deployed: Deployment) -> None:
    """A page whose own name was made to point here (DNS rebinding) has the right origin and the wrong host."""
    trusted = ssl.create_default_context(cafile=str(deployed.certificate))
    connection = http.client.HTTPSConnection("localhost", deployed.installed.https_port, timeout=60, context=trusted)
    with pytest.raises(http.client.RemoteDisconnected):
        connection.request("GET", "/", headers={"Host": "evil.example.com"})
        connection.getresponse()
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://127.0.0.1:{deployed.installed.https_port}/", verify=False, timeout=60)


def test_a_websocket_of_another_page_is_refused_and_the_uis_answers(deployed: Deployment) -> None:
    trusted = ssl.create_default_context(cafile=str(deployed.certificate))
    address = deployed.url.replace("https", "wss") + "/graphql"
    login = {"Authorization": requests.auth._basic_auth_str(*OPERATOR)}
    subprotocols = [Subprotocol("graphql-ws")]

    bare = deployed.bare.replace("http", "ws") + "/graphql"
    with connect(bare, origin=Origin(EVIL), subprotocols=subprotocols) as socket:
        socket.send('{"type": "connection_init"}')
        assert "connection_ack" in str(socket.recv(60)), "the bare server talks to any page"
    for origin, headers, expected in (
        (EVIL, login, 403),
        (None, login, 403),
        ("null", login, 403),
        (deployed.url, {}, 401),
    ):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(
                address,
                origin=None if origin is None else Origin(origin),
                additional_headers=headers,
                ssl=trusted,
                subprotocols=subprotocols,
            ),
        ):
            pass
        assert refused.value.response.status_code == expected, origin
    own = Origin(deployed.url)
    with connect(address, origin=own, additional_headers=login, ssl=trusted, subprotocols=subprotocols) as socket:
        socket.send('{"type": "connection_init"}')
        assert "connection_ack" in str(socket.recv(60))


LAUNCH = """mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on UnauthorizedError { message } }
}"""
SELECTOR = {
    "repositoryLocationName": "meterhouse",
    "repositoryName": "__repository__",
    "jobName": "publish_release",
}


def test_a_viewer_sees_everything_and_changes_nothing(deployed: Deployment) -> None:
    assert deployed.graphql("{ version }", user=VIEWER)["version"]
    tags = [{"key": "asked_by", "value": "viewer"}]
    params = {"params": {"selector": SELECTOR, "runConfigData": {}, "executionMetadata": {"tags": tags}}}
    launched = deployed.graphql(LAUNCH, params, user=VIEWER)["launchRun"]
    assert launched["__typename"] == "UnauthorizedError"
    many = "mutation($many: [ExecutionParams!]!) { launchMultipleRuns(executionParamsList: $many) { __typename ... on "
    many += "LaunchMultipleRunsResult { launchMultipleRunsResult { __typename } } } }"
    answer = deployed.graphql(many, {"many": [params["params"]]}, user=VIEWER)["launchMultipleRuns"]
    assert answer["launchMultipleRunsResult"] == [{"__typename": "UnauthorizedError"}]
    refused = ask(deployed, "POST", "/graphql", VIEWER, json={"query": SET_LIMIT % "by-viewer"})
    assert refused.status_code == 500 and "UnauthorizedError" in refused.text
    assert "by-viewer" not in keys(deployed)
    asked = "query($tags: [ExecutionTag!]!) { runsOrError(filter: {tags: $tags}) { ... on Runs { count } } }"
    assert deployed.graphql(asked, {"tags": tags})["runsOrError"]["count"] == 0


def test_the_page_comes_with_headers_that_keep_it_out_of_other_pages(deployed: Deployment) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    page = ask(deployed, "GET", "/assets", headers=link)
    assert page.status_code == 200 and '<div id="__next"' in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "same-origin"
    # Dagster's own policy for its scripts, and ours beside it.
    assert "script-src" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    framed = {**link, "Sec-Fetch-Dest": "iframe"}
    assert ask(deployed, "GET", "/assets", headers=framed).status_code == 403
    assert ask(deployed, "GET", "/server_info", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
