"""A template that is kept is the one Jinja would make, and one that is of no use is made again."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable

import jinja2
import pytest

from orchestration.warehouse.kept_templates import KeptTemplates

TEXT = "{% macro twice(x) %}{{ x * 2 }}{% endmacro %}{{ twice(number) }}"


class Counting(jinja2.Environment):
    """Counts what it compiles."""

    compiled = 0

    def compile(self, source: str, *arguments: object) -> object:  # type: ignore[override]
        self.compiled += 1
        return super().compile(source, *arguments)  # type: ignore[call-overload]


def test_what_is_kept_is_not_compiled_again() -> None:
    kept: dict[str, str] = {}
    for compiled in (1, 0):
        environment = Counting(undefined=jinja2.StrictUndefined)
        template = KeptTemplates(kept).template(environment, TEXT)
        assert environment.compiled == compiled
        assert template.render(number=21) == "42"
        with pytest.raises(jinja2.UndefinedError):
            template.render()
    assert len(kept) == 1


def _shortened(found: bytes) -> bytes:
    return found[:-40]


def _of_another_python(found: bytes) -> bytes:
    return b"j2\x00" + found[3:]


@pytest.mark.parametrize("spoil", [_shortened, _of_another_python])
def test_what_is_of_no_use_is_compiled_again(spoil: Callable[[bytes], bytes]) -> None:
    kept: dict[str, str] = {}
    KeptTemplates(kept).template(jinja2.Environment(), TEXT)
    ((key, good),) = kept.items()
    kept[key] = b64encode(spoil(b64decode(good))).decode()
    environment = Counting()
    assert KeptTemplates(kept).template(environment, TEXT).render(number=21) == "42"
    assert environment.compiled == 1
    assert kept == {key: good}


def test_another_text_is_another_template() -> None:
    kept: dict[str, str] = {}
    for number in ("1", "2"):
        assert KeptTemplates(kept).template(jinja2.Environment(), number).render() == number
    assert len(kept) == 2


def test_a_template_that_cannot_be_compiled_is_an_error_and_not_kept() -> None:
    kept: dict[str, str] = {}
    with pytest.raises(jinja2.TemplateSyntaxError):
        KeptTemplates(kept).template(jinja2.Environment(), "{{ no end")
    assert kept == {}
