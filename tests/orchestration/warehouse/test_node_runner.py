"""What node_runner builds is what dbt builds: the same texts, the same rows, the same refusals."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration import duck
from orchestration.quality.content_hash import table_hash
from orchestration.settings import Settings
from orchestration.warehouse import dbt_build, manifest_cache
from orchestration.warehouse.node_runner import NodeRunner
from orchestration.warehouse.project import Node, Project
from orchestration.warehouse.rendering import Renderer

Land = Callable[[str, str, "str | bytes"], Path]
TRANSLATIONS = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at,updated_at\n"
FIRST = {
    "tenants": "tenant_id,name,billing_currency\nt,T,USD\nu,U,EUR\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n",
    "translations": TRANSLATIONS
    + "a,org,en,de,100,completed,2024-09-05T10:00:00Z,2024-12-01T00:00:00Z\n"
    + "b,org,en,de,200,completed,2024-10-05T10:00:00Z,2024-12-01T00:00:00Z\n",
}
LATER = TRANSLATIONS + "b,org,en,de,250,completed,2024-11-05T10:00:00Z,2024-12-02T00:00:00Z\n"


def _take_in(settings: Settings) -> None:
    from orchestration.ingestion.landing import ingest_landing

    ingest_landing(settings)


def _content(settings: Settings) -> dict[str, str]:
    """Every relation dbt builds, columns, types and rows."""
    with duck.connect(settings.warehouse_path, settings) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema in ('seeds', 'staging', 'intermediate', 'marts') order by 1"
        ).fetchall()
        return {name: table_hash(connection, name) for (name,) in names}


def _constraints(settings: Settings) -> list[tuple[object, ...]]:
    with duck.connect(settings.warehouse_path, settings) as connection:
        return connection.execute(
            "select schema_name, table_name, constraint_type, expression, constraint_column_names "
            "from duckdb_constraints() where schema_name = 'marts' order by all"
        ).fetchall()


def _project(settings: Settings) -> Project:
    content = manifest_cache.manifest_json(settings)
    assert content is not None
    # One of its own: tests change it.
    return Project(json.loads(content))


def _differing_texts(settings: Settings, *, full_refresh: bool) -> list[str]:
    """Nodes whose text is not what dbt compiles against the same build file."""
    from dbt.cli.main import dbtRunner

    runner = dbtRunner(manifest=dbt_build.parse_manifest(settings))
    refresh = ["--full-refresh"] if full_refresh else []
    result = runner.invoke(["compile", "--no-write-json", *refresh, *dbt_build._common(settings)])
    dbt_build._release_connections()
    compiled = {node.node.unique_id: node.node.compiled_code for node in result.result.results}
    project = _project(settings)
    nodes = [node for node in project.nodes.values() if node.kind in ("model", "test")]
    kept, templates = manifest_cache.rendered(settings)
    assert len(nodes) > len(kept) > 200
    assert len(templates) > 300
    with duck.connect(settings.warehouse_path, settings) as connection:
        # Rendered now, and as far as it was kept from whatever build rendered it first.
        from_nothing = project.nodes if full_refresh else ()
        renderers = [
            Renderer(project, connection, lambda node: True, from_nothing, *known)
            for known in (({}, {}), ({}, templates), (kept, templates))
        ]
        return [
            node.name
            for renderer in renderers
            for node in nodes
            if renderer.compile(node).strip() != compiled[node.unique_id].strip()
        ]


def test_nodes_have_the_texts_and_rows_dbt_gives_them(
    settings: Settings, land: Land, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source, content in FIRST.items():
        land(source, "1.csv", content)
    by_dbt = Settings(home=tmp_path / "by_dbt", landing=settings.landing, memory_limit="1GB")
    for step in ("first", "later"):
        for installation in (settings, by_dbt):
            _take_in(installation)
        assert dbt_build.build(settings).ok
        with monkeypatch.context() as patched:
            patched.setattr(Project, "unknown_features", ["a feature"])
            assert dbt_build.build(by_dbt).ok, step
        assert _content(settings) == _content(by_dbt), step
        assert _constraints(settings) == _constraints(by_dbt)
        land("translations", "2.csv", LATER)
    for full_refresh in (True, False):
        assert _differing_texts(settings, full_refresh=full_refresh) == []


def test_a_view_is_made_again_only_where_its_words_may_differ(empty: Settings) -> None:
    project = dbt_build.project_of(empty)
    texts, _ = manifest_cache.rendered(empty)
    views = {node.relation: node.unique_id in texts for node in project.of_kind("model") if node.materialized == "view"}

    def made(connection: duckdb.DuckDBPyConnection, from_nothing: Iterable[str]) -> dict[str, int]:
        """Every view's number, which another gets that is put in its place."""
        with NodeRunner(project, connection, empty, frozenset(from_nothing), dict(texts)) as runner:
            assert runner.build(project.models_in_order, lambda _: None).errors == []
        return dict(
            connection.execute(
                """select format('"{}"."{}"."{}"', database_name, schema_name, view_name), view_oid """
                "from duckdb_views() where not internal"
            ).fetchall()
        )

    with duck.connect(empty.warehouse_path, empty) as connection:
        first, second, third = (made(connection, nodes) for nodes in ((), (), project.nodes))
    assert {name for name in views if first[name] == second[name]} == {name for name in views if views[name]}
    assert len([name for name in views if views[name]]) > 10
    assert not [name for name in views if second[name] == third[name]]


def test_dbt_run_by_itself_adds_to_no_build_that_is_not_complete(empty: Settings) -> None:
    from dbt.cli.main import dbtRunner

    with duck.connect(empty.warehouse_path, empty) as connection:
        connection.execute("delete from ops.metered_batches")
    chosen = ["--select", "int_kiq_01__conversations_reread"]
    for refresh, succeeds in (([], False), (["--full-refresh"], True)):
        result = dbtRunner(manifest=dbt_build.parse_manifest(empty)).invoke(
            ["run", "--no-write-json", *chosen, *refresh, *dbt_build._common(empty)]
        )
        dbt_build._release_connections()
        assert result.success is succeeds, refresh
        if not succeeds:
            assert "there is no complete build to add to yet" in result.result.results[-1].message


def test_the_project_uses_nothing_the_runner_does_not_know(settings: Settings) -> None:
    dbt_build.parse_manifest(settings)
    assert _project(settings).unknown_features == []


@pytest.fixture(scope="module")
def empty_once(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation with nothing landed, built; never changed."""
    root = tmp_path_factory.mktemp("empty")
    settings = Settings(home=root / "var", landing=root / "landing", memory_limit="1GB")
    _take_in(settings)
    assert dbt_build.build(settings).ok
    return settings


@pytest.fixture
def empty(empty_once: Settings, settings: Settings) -> Settings:
    """The same, free to be changed."""
    shutil.copytree(empty_once.home, settings.home)
    return settings


def _changed(project: Project, name: str, **changes: object) -> Node:
    """The model of that name, its raw manifest entry changed."""
    (node,) = [node for node in project.of_kind("model") if node.name == name]
    made = Node(node.unique_id, node.kind, node.name, node.relation, node.raw | changes)
    project.nodes[node.unique_id] = made
    return made


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("select 1 as tenant_id", "enforced contract"),
        ("select * exclude (tenant_name) from {{ this }}", "tenant_name is missing"),
        ("select nonsense", "nonsense"),
        ("select * from {{ ref('no_such_model') }}", "no_such_model"),
        ("{{ no_such_macro() }}", "no_such_macro"),
    ],
)
def test_a_broken_model_is_an_error_and_what_stood_there_stays(empty: Settings, code: str, words: str) -> None:
    project = _project(empty)
    broken = _changed(project, "dim_tenants", raw_code=code)
    before = _content(empty)
    with duck.connect(empty.warehouse_path, empty) as connection:
        nodes = [project.nodes[node.unique_id] for node in project.models_in_order]
        with NodeRunner(project, connection, empty) as runner:
            ran = runner.build(nodes, lambda _: None)
    (error,) = ran.errors
    assert error.startswith("dim_tenants: ")
    assert words in error
    assert broken.raw["original_file_path"] in error
    below = project.with_descendants([broken.unique_id])
    assert set(ran.built).isdisjoint(below)
    assert {name: content for name, content in _content(empty).items() if "dim_tenants" in name} == {
        name: content for name, content in before.items() if "dim_tenants" in name
    }


@pytest.mark.parametrize("name", ["dim_tenants", "int_gen_01__billing_months_seen", "int_kiq__usage_metered"])
def test_the_line_of_an_error_is_one_of_the_compiled_text_it_names(empty: Settings, name: str) -> None:
    """A table with a contract, a table without, and a view."""
    project = _project(empty)
    broken = _changed(project, name, raw_code="-- one\n{% for _ in [1, 2] %}\n-- more\n{% endfor %}\nselect nonsense")
    anew = [broken.unique_id]
    with (
        duck.connect(empty.warehouse_path, empty) as connection,
        NodeRunner(project, connection, empty, anew) as runner,
    ):
        (error,) = runner.build([broken], lambda _: None).errors
    compiled = empty.dbt_target_dir / "compiled/meterhouse" / broken.raw["original_file_path"]
    assert error.endswith(f"({broken.raw['original_file_path']}; the lines are those of {compiled})")
    found = re.search(r"LINE (\d+):", error)
    assert found is not None
    assert "nonsense" in compiled.read_text(encoding="utf-8").splitlines()[int(found[1]) - 1]


def test_an_error_of_a_hook_names_the_hook_not_lines_of_the_model(empty: Settings) -> None:
    project = _project(empty)
    node = _changed(project, "dim_tenants")
    node.config["pre-hook"] = [{"sql": "select nonsense", "transaction": True}]
    with duck.connect(empty.warehouse_path, empty) as connection, NodeRunner(project, connection, empty) as runner:
        (error,) = runner.build([node], lambda _: None).errors
    assert error.endswith(f"(the pre-hook of {node.raw['original_file_path']})")


def test_a_mistyped_seed_is_an_error_that_names_file_and_column(empty: Settings, tmp_path: Path) -> None:
    project = _project(empty)
    (seed,) = [node for node in project.of_kind("seed") if node.name == "price_updates"]
    mine = replace(empty, project_dir=tmp_path / "project")
    written = mine.project_dir / seed.raw["original_file_path"]
    written.parent.mkdir(parents=True)
    text = (empty.project_dir / seed.raw["original_file_path"]).read_text(encoding="utf-8")
    written.write_text(text.replace("unit_price", "unit_prise", 1), encoding="utf-8")
    before = _content(empty)
    with duck.connect(empty.warehouse_path, empty) as connection, NodeRunner(project, connection, mine) as runner:
        (error,) = runner.build([seed], lambda _: None).errors
    assert error.startswith("price_updates: the first line of terms/price_updates.csv has 'unit_prise'")
    assert "did you mean unit_price?" in error
    assert _content(empty) == before


def test_a_test_that_cannot_be_evaluated_has_failed(empty: Settings) -> None:
    project = _project(empty)
    with duck.connect(empty.warehouse_path, empty) as connection:
        connection.execute("drop table marts.fct_invoices cascade")
        runner = NodeRunner(project, connection, empty)
        results = runner.test(project.of_kind("test")).tests
    failed = {result.model for result in results if not result.passed}
    assert "fct_invoices" in failed
    assert all(result.message for result in results if not result.passed)


def test_constraints_of_a_contract_are_enforced(empty: Settings) -> None:
    with (
        duck.connect(empty.warehouse_path, empty) as connection,
        pytest.raises(duckdb.ConstraintException),
    ):
        connection.execute("insert into marts.fct_invoices (invoice_id) values ('same'), ('same')")
