"""What was built takes its place whole: beside links and files, and where something fails in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration import put_in_place as placing
from orchestration.put_in_place import clear, put_in_place


def _built(folder: Path, content: str) -> Path:
    building = folder / ".csv.building"
    building.mkdir()
    (building / "a.csv").write_text(content, encoding="utf-8")
    return building


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["exchanged", "renamed"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways: not every disk lets two paths change places."""
    if request.param == "renamed":
        monkeypatch.setattr(placing, "_exchange", lambda one, other: False)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("lying_there", ["nothing", "folder", "file", "link", "link to nothing", "link to a file"])
def test_it_is_there_whole_each_time_and_nothing_is_left_beside_it(tmp_path: Path, lying_there: str) -> None:
    folder, share = tmp_path / "exports", tmp_path / "share"
    folder.mkdir()
    share.mkdir()
    (share / "theirs").write_text("theirs", encoding="utf-8")
    final = folder / "csv"
    if lying_there == "folder":
        final.mkdir()
        (final / "old").write_text("old", encoding="utf-8")
    elif lying_there == "file":
        final.write_text("old", encoding="utf-8")
    elif lying_there != "nothing":
        final.symlink_to(share / {"link": "", "link to nothing": "gone", "link to a file": "theirs"}[lying_there])
    for content in ("first", "second"):
        put_in_place(_built(folder, content), final)
        assert _names(folder) == ["csv"]
        assert not final.is_symlink()
        assert _names(final) == ["a.csv"]
        assert (final / "a.csv").read_text(encoding="utf-8") == content
    assert _names(share) == ["theirs"]


@pytest.mark.usefixtures("_way")
def test_what_was_left_by_a_process_that_was_killed_is_in_nobody_s_way(tmp_path: Path) -> None:
    (tmp_path / ".csv.old").symlink_to(tmp_path)
    put_in_place(_built(tmp_path, "new"), tmp_path / "csv")
    assert _names(tmp_path) == ["csv"]


def test_where_it_cannot_be_put_what_was_there_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    final = tmp_path / "csv"
    put_in_place(_built(tmp_path, "first"), final)
    building = _built(tmp_path, "second")
    monkeypatch.setattr(placing, "_exchange", lambda one, other: False)
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if self == building:
            raise PermissionError(13, "refused", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(PermissionError):
        put_in_place(building, final)
    assert (final / "a.csv").read_text(encoding="utf-8") == "first"
    assert not (tmp_path / ".csv.old").exists()


def test_two_paths_change_places_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1", encoding="utf-8")
    (tmp_path / "other").mkdir()
    assert placing._exchange(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one").is_dir()
    assert not placing._exchange(tmp_path / "one", tmp_path / "none")


def test_of_a_link_only_the_link_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "theirs").touch()
    (tmp_path / "link").symlink_to(tmp_path / "share")
    clear(tmp_path / "link")
    clear(tmp_path / "none")
    assert _names(tmp_path) == ["share"]
    assert _names(tmp_path / "share") == ["theirs"]
