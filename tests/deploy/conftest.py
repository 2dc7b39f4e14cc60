"""One deployment for all tests of this folder: starting it is most of what they cost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from orchestration.sampling import generate
from tests.deploy.stack import Deployment, deployment
from tests.programs import ARTEFACTS


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    root = tmp_path_factory.mktemp("deployed")
    with deployment(root, lambda landing: generate(landing, records=1_000)) as found:
        yield found
        # Beside the screenshots: what every server said.
        shutil.copytree(found.logs, ARTEFACTS / "deploy-logs", dirs_exist_ok=True)
