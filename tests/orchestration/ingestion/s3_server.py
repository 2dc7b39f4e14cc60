"""An S3 server in this process on a free port of 127.0.0.1, and a bucket to land in."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

BUCKET = "billing-extracts"
URL = f"s3://{BUCKET}/landing"


@dataclass
class Bucket:
    """The bucket as its producer sees it, and every request made to the server: (method, path with query)."""

    client: Any
    endpoint: str
    requests: list[tuple[str, str]] = field(default_factory=list)

    def put(self, key: str, content: bytes) -> None:
        """Land an object under the landing prefix."""
        self.client.put_object(Bucket=BUCKET, Key=f"landing/{key}", Body=content)

    def put_folder(self, folder: Path) -> None:
        """Land every file of a landing folder under its own name."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.put(str(path.relative_to(folder)), path.read_bytes())

    def delete(self, key: str) -> None:
        """Delete an object under the landing prefix."""
        self.client.delete_object(Bucket=BUCKET, Key=f"landing/{key}")

    def objects_read(self) -> list[str]:
        """Keys below the landing prefix of the objects whose bytes were asked for so far."""
        prefix = f"/{BUCKET}/landing/"
        return [path.removeprefix(prefix) for method, path in self.requests if method == "GET" and prefix in path]


class _Requests(logging.Handler):
    """The server's access log, taken apart."""

    def __init__(self, into: list[tuple[str, str]]) -> None:
        super().__init__()
        self.into = into

    def emit(self, record: logging.LogRecord) -> None:
        if found := re.search(r'"([A-Z]+) (\S+) HTTP', record.getMessage()):
            self.into.append((found[1], found[2]))


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Serve an empty bucket; endpoint and credentials are in the environment meanwhile."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-reader")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = Bucket(boto3.client("s3"), endpoint)
    access_log, listener = logging.getLogger("werkzeug"), _Requests(bucket.requests)
    monkeypatch.setattr(access_log, "propagate", False)
    access_log.setLevel(logging.INFO)
    access_log.addHandler(listener)
    try:
        # What servers before this one in this process were given is kept by the library.
        requests.post(f"{endpoint}/moto-api/reset", timeout=10)
        bucket.client.create_bucket(Bucket=BUCKET)
        yield bucket
    finally:
        server.stop()
        access_log.removeHandler(listener)
