"""The UI in a real browser through the proxy: its headers and rules leave Dagster's pages whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.stack import OPERATOR, VIEWER, Deployment
from tests.programs import ARTEFACTS, program

pytestmark = pytest.mark.needs_programs
PATIENCE_MS = 90_000


@pytest.mark.parametrize(("user", "may_materialize"), [(OPERATOR, True), (VIEWER, False)], ids=["operator", "viewer"])
def test_the_ui_works(deployed: Deployment, user: tuple[str, str], may_materialize: bool) -> None:
    from playwright.sync_api import sync_playwright

    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    refused: list[str] = []
    sockets: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium", "chromium"), args=["--no-sandbox"])
        try:
            login: Any = {"username": user[0], "password": user[1]}
            context = browser.new_context(http_credentials=login, ignore_https_errors=True)
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.on("websocket", lambda socket: sockets.append(socket.url))
            page.on(
                "response",
                lambda answer: refused.append(f"{answer.status} {answer.url}") if answer.status in (403, 405) else None,
            )
            page.goto(f"{deployed.url}/locations/meterhouse/jobs/publish_release", timeout=PATIENCE_MS)
            button = page.get_by_role("button", name="Materialize all").first
            button.wait_for(timeout=PATIENCE_MS)
            assert button.is_enabled() is may_materialize
            page.screenshot(path=ARTEFACTS / f"proxy-{user[0]}.png")
        finally:
            browser.close()
    assert refused == [], "the proxy refuses nothing the UI asks for"
    assert [text for text in complaints if "Content Security Policy" in text or "WebSocket" in text] == []
    assert sockets and all("/graphql" in url for url in sockets)
