"""The kept manifest is used only where it is what was written, of this very project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.settings import Settings
from orchestration.warehouse import manifest_cache
from tests.project_copy import copy_of_project


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    """An installation of a copy of the project, with something kept of it."""
    folder = copy_of_project(tmp_path / "project")
    settings = Settings(home=tmp_path / "var", landing=tmp_path / "landing", project_dir=folder)
    settings.dbt_target_dir.mkdir(parents=True)
    for name in (manifest_cache.MANIFEST, manifest_cache.PARSED):
        (settings.dbt_target_dir / name).write_text(json.dumps({"file": name}))
    manifest_cache.keep(settings)
    return settings


def _again(settings: Settings, tmp_path: Path) -> Settings:
    """Another installation of the same project."""
    return Settings(home=tmp_path / "other", landing=settings.landing, project_dir=settings.project_dir)


def test_another_installation_of_the_project_finds_it(project: Settings, tmp_path: Path) -> None:
    other = _again(project, tmp_path)
    content = manifest_cache.manifest_json(other)
    assert content is not None
    assert json.loads(content) == {"file": "manifest.json"}
    assert (other.dbt_target_dir / "manifest.json").read_bytes() == content


@pytest.mark.parametrize("part", ["models/columns.md", "macros/rounding.sql", "profiles.yml", "dbt_project.yml"])
def test_a_changed_project_finds_nothing(project: Settings, tmp_path: Path, part: str) -> None:
    with (project.project_dir / part).open("a") as file:
        file.write("\n")
    assert manifest_cache.manifest_json(_again(project, tmp_path)) is None


def test_a_damaged_file_is_passed_over(project: Settings, tmp_path: Path) -> None:
    (kept,) = (project.project_dir / ".cache").rglob(manifest_cache.PARSED)
    kept.write_bytes(kept.read_bytes()[:-1])
    other = _again(project, tmp_path)
    assert manifest_cache.kept(other, manifest_cache.PARSED) is None
    (sums,) = (project.project_dir / ".cache").rglob(manifest_cache.SUMS)
    sums.write_text("no json")
    assert manifest_cache.manifest_json(other) is None


def test_what_was_rendered_is_kept_with_the_manifest_and_not_without(project: Settings, tmp_path: Path) -> None:
    found = {"model.a": "select 1"}, {"template": "bytes"}
    manifest_cache.keep_rendered(project, *found)
    other = _again(project, tmp_path)
    assert manifest_cache.rendered(other) == found
    (kept,) = (project.project_dir / ".cache").rglob(manifest_cache.RENDERED)
    good = kept.read_text()
    for what in ("select 1", "bytes"):
        kept.write_text(good.replace(what, "another"))
        assert manifest_cache.rendered(other) == ({}, {})
    (project.project_dir / "dbt_project.yml").write_text("name: another\n")
    manifest_cache.keep_rendered(other, *found)
    assert manifest_cache.rendered(other) == ({}, {})
