"""A page is written whole: by several commands at once, and through a link."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orchestration.month_report.whole_page import write_whole


def test_commands_that_write_one_page_at_once_all_end_well(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    pages = [str(number) * 200_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda page: write_whole(page, target), pages * 5)) == {target}
    assert target.read_text(encoding="utf-8") in pages
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_link_stays_one_and_the_page_is_where_it_leads(tmp_path: Path) -> None:
    link = tmp_path / "link.html"
    link.symlink_to(Path("share") / "report.html")
    for page in ("first", "second"):
        assert write_whole(page, link) == link
        assert link.is_symlink()
        assert (tmp_path / "share" / "report.html").read_text(encoding="utf-8") == page
    assert [path.name for path in (tmp_path / "share").iterdir()] == ["report.html"]


def test_a_page_may_be_read_by_whom_any_new_file_may(tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    page = write_whole("page", tmp_path / ("a" * 240 + ".html"))
    assert stat.S_IMODE(page.stat().st_mode) == stat.S_IMODE((tmp_path / "any").stat().st_mode)
