"""Templates as Jinja compiled them, kept from run to run: to compile the project's 320 takes 0.7 s.

A template's bytes are found by its text. Whether they are still of use, after another version of Python or
a damaged file, Jinja tells by itself, and compiles it again.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

import jinja2
from jinja2.bccache import Bucket


class KeptTemplates(jinja2.BytecodeCache):
    """`kept` has compiled templates by a hash of their text, base64, and is added to."""

    def __init__(self, kept: dict[str, str]) -> None:
        self._kept = kept

    def load_bytecode(self, bucket: Bucket) -> None:
        found = self._kept.get(bucket.key)
        if found is not None:
            bucket.bytecode_from_string(b64decode(found))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = b64encode(bucket.bytecode_to_string()).decode()

    def template(self, environment: jinja2.Environment, text: str) -> jinja2.Template:
        """What `environment` makes of `text`. Raises jinja2.TemplateSyntaxError."""
        bucket = self.get_bucket(environment, text, None, text)
        if bucket.code is None:
            bucket.code = environment.compile(text)
            self.set_bucket(bucket)
        return environment.template_class.from_code(environment, bucket.code, environment.make_globals(None))
