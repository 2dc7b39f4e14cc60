"""A landing on S3-compatible storage: the same files, the same receipts, the same release as from a folder."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests

from orchestration import duck, pipeline
from orchestration.errors import MeterhouseError
from orchestration.ingestion.landing import anything_new, ingest_landing
from orchestration.ingestion.remote_landing import ObjectChanging, RemoteLanding, RemoteLandingError
from orchestration.resources import Installation
from orchestration.settings import PROJECT_DIR, Settings, load_settings
from tests.conftest import SampleRun
from tests.orchestration.ingestion.s3_server import BUCKET, URL, Bucket, s3_server

HEADER = "translation_id,org_id,target_lang,character_count,status,completed_at\n"
ROW = "t1,o1,de,23,completed,2024-11-05T10:00:00Z\n"
TWO = "t2,o1,de,24,completed,2024-11-05T10:00:00Z\n"
READER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/landing/*"},
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/landing/translations/b.csv"},
    ],
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with s3_server(monkeypatch) as served:
        yield served


@pytest.fixture
def remote(settings: Settings) -> Settings:
    """The empty installation, landing in the bucket."""
    return settings.at(settings.home, URL)


def translations(settings: Settings) -> list[str]:
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        rows = connection.execute("select translation_id from raw.translations order by 1").fetchall()
    return [name for (name,) in rows]


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    return {str(p): (s.st_size, s.st_mtime_ns, s.st_ino) for p in folder.rglob("*") for s in [p.lstat()]}


def test_the_release_is_that_of_a_local_landing(sample_run: SampleRun, bucket: Bucket, remote: Settings) -> None:
    bucket.put_folder(sample_run.settings.landing)
    release = pipeline.run_all(remote).release
    assert release is not None and sample_run.report.release is not None
    assert release.content_hash == sample_run.report.release.content_hash

    before, asked = tree(remote.home), len(bucket.requests)
    assert not pipeline.has_work(remote)
    made = bucket.requests[asked:]
    assert [method for method, _ in made] == ["GET"] and "list-type=2" in made[0][1], "one listing decides"
    assert tree(remote.home) == before


def test_the_environment_names_the_bucket_and_its_copy_lies_below_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METERHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("METERHOUSE_LANDING", f"{URL}/")
    found = load_settings()
    assert (found.landing_url, found.landing, found.landing_text) == (URL, tmp_path / "landing_spool", URL)
    other = Installation(home=str(tmp_path / "other")).settings()
    assert (other.landing_url, other.landing) == (URL, tmp_path / "other" / "landing_spool")
    monkeypatch.setenv("METERHOUSE_LANDING", str(tmp_path / "in"))
    assert (load_settings().landing_url, load_settings().landing_text) == ("", str(tmp_path / "in"))


@pytest.mark.parametrize(
    "login",
    ["ftp://ann:hunter2@host/in", "s3://AKIA:hunt/er2@bucket/in", "https://hunter2@host/in", "abfs://c:k@host/"],
)
def test_a_login_in_the_landings_address_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    monkeypatch.setenv("METERHOUSE_LANDING", login)
    with pytest.raises(MeterhouseError, match=r"^METERHOUSE_LANDING contains credentials$") as told:
        load_settings()
    assert "hunter2" not in told.value.remedy and "AWS_ACCESS_KEY_ID" in told.value.remedy
    for good in ("abfs://container@account.dfs.core.windows.net/in", "ftp://host:2121/in@home", "s3://bucket/a@b"):
        monkeypatch.setenv("METERHOUSE_LANDING", good)
        assert load_settings().landing_url == good


def test_only_what_is_new_is_fetched_and_a_changed_or_deleted_object_is_as_a_file(
    bucket: Bucket, remote: Settings
) -> None:
    bucket.put("translations/a.csv", (HEADER + ROW).encode())
    bucket.put("translations/b.csv", (HEADER + TWO).encode())
    assert len(ingest_landing(remote).receipts) == 2
    assert sorted(bucket.objects_read()) == ["translations/a.csv", "translations/b.csv"]
    assert not anything_new(remote)

    # The same length and, for a storage that counts seconds, perhaps the same time.
    bucket.put("translations/b.csv", (HEADER + TWO.replace("t2", "t3")).encode())
    assert anything_new(remote)
    changed = ingest_landing(remote)
    assert [receipt.file_name for receipt in changed.with_status("accepted")] == ["b.csv"]
    assert bucket.objects_read()[2:] == ["translations/b.csv"]
    assert translations(remote) == ["t1", "t2", "t3"]

    bucket.delete("translations/a.csv")
    assert anything_new(remote)
    assert ingest_landing(remote).receipts == []
    assert not (remote.landing / "translations/a.csv").exists()
    assert translations(remote) == ["t1", "t2", "t3"], "what was taken in stays"
    assert not anything_new(remote)


def test_a_prefix_where_nothing_lies_is_not_taken_for_one_that_was_cleared(bucket: Bucket, remote: Settings) -> None:
    mistyped = remote.at(remote.home, f"{URL[:-1]}h")
    assert ingest_landing(mistyped).receipts == [], "a new installation has nothing to take in"
    bucket.put("translations/a.csv", (HEADER + ROW).encode())
    ingest_landing(remote)
    for look in (anything_new, ingest_landing):
        with pytest.raises(RemoteLandingError, match="/landinh is empty, although files were taken in") as told:
            look(mistyped)
        assert "METERHOUSE_LANDING" in told.value.remedy
    assert (remote.landing / "translations/a.csv").exists()
    bucket.delete("translations/a.csv")
    bucket.put(".cleared", b"")
    assert ingest_landing(remote).receipts == []
    assert not anything_new(remote)


def test_a_lost_copy_is_fetched_again_and_taken_in_once(bucket: Bucket, remote: Settings) -> None:
    bucket.put("translations/a.csv", (HEADER + ROW).encode())
    ingest_landing(remote)
    (remote.landing / "translations/a.csv").unlink()
    (remote.landing / ".index.json").write_text("{cut off")
    (remote.landing / "translations/.fetching-0123").write_text("of a run that died")
    assert anything_new(remote)
    again = ingest_landing(remote)
    assert (again.receipts, again.unchanged_files) == ([], 1)
    assert sorted(p.name for p in (remote.landing / "translations").iterdir()) == ["a.csv"]


def test_an_object_may_have_the_name_of_a_former_folder_and_a_folder_that_of_an_object(
    bucket: Bucket, remote: Settings
) -> None:
    bucket.put("translations/a.csv", (HEADER + ROW).encode())
    bucket.put("strange/x.csv", b"bytes")
    bucket.put("odd", b"bytes")
    told = {(r.source, r.file_name): r.status for r in ingest_landing(remote).receipts}
    assert told == {
        ("translations", "a.csv"): "accepted",
        ("strange", "x.csv"): "refused",
        ("", "odd"): "refused",
    }
    bucket.delete("strange/x.csv")
    bucket.delete("odd")
    bucket.put("strange", b"bytes")
    bucket.put("odd/x.csv", b"bytes")
    again = ingest_landing(remote)
    assert {(r.source, r.file_name) for r in again.findings} == {("", "strange"), ("odd", "x.csv")}
    assert not anything_new(remote)


def test_what_a_name_or_a_size_refuses_is_told_and_not_fetched(
    bucket: Bucket, remote: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Settings(remote.home, remote.landing, landing_url=URL, memory_limit="1GB", max_file_bytes=1_000)
    for key in ("../out.csv", "nowhere/a.csv", "nowhere", "/x"):
        bucket.put(key, b"bytes")
    for key in ("translations/sub/a.csv", "translations//b.csv", "translations/b c.csv"):
        bucket.put(key, b"bytes")
    bucket.put("translations/long.csv", b"x" * 2_000)
    bucket.put("translations/a.csv.part", b"bytes")
    bucket.put("translations/", b"")  # what consoles show as a folder
    bucket.put(".hidden/a.csv", b"bytes")
    bucket.put("translations/a.csv", (HEADER + ROW).encode())
    bucket.put("translations/a.csv.manifest.json", json.dumps({"rows": 1}).encode())
    report = ingest_landing(small)
    assert sorted(bucket.objects_read()) == ["translations/a.csv", "translations/a.csv.manifest.json"]
    assert [r.file_name for r in report.with_status("accepted")] == ["a.csv"]
    assert [r.file_name for r in report.with_status("waiting")] == ["a.csv.part"]
    told = {f"{r.source}/{r.file_name}": r.reason for r in report.findings}
    assert "more than the limit of 1000" in told.pop("translations/long.csv")
    assert {name: reason for name, reason in told.items() if "is not allowed" in reason}.keys() == {
        "translations/sub%2Fa.csv",
        "translations/%2Fb.csv",
        "translations/b c.csv",
    }
    assert {reason for reason in told.values() if "is not a source" in reason} == {
        "'nowhere' is not a source",
        "'nowhere%' is not a source",
        "'%..' is not a source",
        "'%' is not a source",
    }
    outside = [path for path in remote.home.parent.rglob("out.csv") if remote.landing not in path.parents]
    assert outside == []


def test_an_object_written_to_meanwhile_is_left_for_the_next_look(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("translations/a.csv", (HEADER + ROW).encode())
    remote = RemoteLanding(URL)
    (listed,) = remote.objects()
    bucket.put("translations/a.csv", (HEADER + TWO).encode())
    with pytest.raises(ObjectChanging):
        remote.fetch(listed, tmp_path / "a.csv")
    (listed,) = remote.objects()
    remote.fetch(listed, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == HEADER + TWO


def test_a_full_disk_is_told_as_one(bucket: Bucket, remote: Settings) -> None:
    """A limit on the size of files is the kernel's own refusal to write on."""
    bucket.put("translations/a.csv", (HEADER + ROW * 5_000).encode())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RemoteLandingError, match=r"translations/a\.csv") as told:
            ingest_landing(remote)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert told.value.remedy.startswith("Free space in the state folder")
    assert list((remote.landing / "translations").iterdir()) == [], "nothing half written is left"
    assert len(ingest_landing(remote).with_status("accepted")) == 1


def test_the_command_line_looks_into_the_bucket_and_never_writes_samples_there(
    bucket: Bucket, remote: Settings
) -> None:
    bucket.put("translations/a.csv", (HEADER + ROW).encode())
    places = {"METERHOUSE_HOME": str(remote.home), "METERHOUSE_LANDING": URL, "PYTHONPATH": str(PROJECT_DIR)}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "orchestration.cli", command]
        return subprocess.run(words, env=os.environ | places, capture_output=True, text=True, check=False)

    assert f"landing: {URL} (1 objects)" in run("doctor").stdout
    refused = run("sample")
    assert refused.returncode == 2 and "--out" in refused.stderr
    assert not remote.landing.exists()


def test_an_object_that_may_not_be_read_stops_the_run_by_name_and_nothing_is_billed_in_part(
    bucket: Bucket, remote: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("translations/a.csv", (HEADER + ROW).encode())
    bucket.put("translations/b.csv", (HEADER + TWO).encode())
    iam = boto3.client("iam", endpoint_url=bucket.endpoint)
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(READER))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    with monkeypatch.context() as reader:
        reader.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        reader.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        requests.post(f"{bucket.endpoint}/moto-api/reset-auth", data=b"0", timeout=10)
        try:
            with pytest.raises(RemoteLandingError, match=r"landing/translations/b\.csv cannot be read") as denied:
                ingest_landing(remote)
        finally:
            requests.post(f"{bucket.endpoint}/moto-api/reset-auth", data=b"inf", timeout=10)
    assert "credentials that may list the bucket and read its objects" in denied.value.remedy
    assert "secret" not in str(denied.value).lower()
    assert not remote.warehouse_path.exists(), "nothing was taken in"
    read = len(bucket.objects_read())
    assert sorted(r.file_name for r in ingest_landing(remote).with_status("accepted")) == ["a.csv", "b.csv"]
    assert bucket.objects_read()[read:] == ["translations/b.csv"], "what was fetched is kept"


@pytest.mark.parametrize(
    ("landing", "environment", "what", "remedy"),
    [
        ("s3://no-such-bucket/landing", {}, "s3://no-such-bucket/landing cannot be listed", "Check bucket and prefix"),
        (URL, {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "cannot be listed", "credentials"),
        (URL, {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}, "cannot be listed", "Check the network"),
        ("ftp://127.0.0.1:1/landing", {}, "ftp://127.0.0.1:1/landing cannot be reached", "Check the network"),
        ("s4://bucket/landing", {}, "s4://bucket/landing cannot be read here", "s3://bucket/prefix"),
        ("gs://bucket/landing", {}, "cannot be read here", "Install the package gcsfs"),
    ],
)
def test_what_is_wrong_with_the_storage_is_told_with_what_to_do(
    bucket: Bucket,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    landing: str,
    environment: dict[str, str],
    what: str,
    remedy: str,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings.home / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(settings.home / "none"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(MeterhouseError, match=what) as told:
        pipeline.has_work(settings.at(settings.home, landing))
    assert remedy in told.value.remedy
