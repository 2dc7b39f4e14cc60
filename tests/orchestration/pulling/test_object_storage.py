"""A landing on S3-compatible storage: pulled files are put there, whole, once, and by name of their content."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from orchestration.settings import Settings
from tests.orchestration.pulling.conftest import Pulling
from tests.orchestration.pulling.resources import call
from tests.orchestration.pulling.server import USER, Fault


@dataclass(frozen=True)
class BucketSettings(Settings):
    """An installation whose landing is a bucket; `landing` is the ingestion's copy of it."""

    landing_url: str = "s3://pulled-extracts/landing"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:{1}".format(*server.get_host_and_port()))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "writer")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-writer")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        client = boto3.client("s3")
        yield client
    finally:
        server.stop()


def _objects(bucket: Any) -> dict[str, Any]:
    found = bucket.list_objects_v2(Bucket="pulled-extracts").get("Contents", [])
    return {entry["Key"]: entry["LastModified"] for entry in found}


def test_pulled_files_land_in_the_bucket_once_and_whole(pull: Pulling, bucket: Any) -> None:
    pull.settings = BucketSettings(home=pull.settings.home, landing=pull.settings.landing)
    sent = [call(n, f"2024-11-05 10:0{n}") for n in range(4)]
    pull.api.hold(USER, "Calls", sent)
    pull.api.largest_page = 2
    (report,) = pull("calls", since="2024-11-01")
    assert "cannot be written" in str(report.error)  # there is no such bucket yet
    bucket.create_bucket(Bucket="pulled-extracts")
    pull.api.fail_page(4, Fault(400))
    assert pull("calls", since="2024-11-01")[0].error is not None
    assert _objects(bucket) == {}

    (report,) = pull("calls", since="2024-11-01")
    assert (report.landed, report.error) == (4, None)
    before = _objects(bucket)
    assert list(before) == [f"landing/{name}" for name in report.files]
    content = bucket.get_object(Bucket="pulled-extracts", Key=next(iter(before)))["Body"].read()
    lines = gzip.decompress(content).decode().splitlines()
    assert sorted((json.loads(line) for line in lines), key=lambda c: c["sid"]) == sent
    assert pull("calls", since="2024-11-01", again=True)[0].files == []
    assert _objects(bucket) == before
    assert not pull.settings.landing.exists()
    assert [path.name for path in (pull.settings.home / "pulling").iterdir()] == ["twilio_calls.sqlite"]
