"""Dagster resources: the settings, handed to assets so that tests can run on any folder."""

import dagster as dg

from orchestration.recovery.runs import mark_run
from orchestration.settings import Settings, load_settings


class Installation(dg.ConfigurableResource):
    """Where this installation keeps its state; empty fields mean the environment's settings."""

    home: str = ""
    landing: str = ""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Note which process works on the run: should it die, the reconciler knows."""
        if context.instance is not None and context.run is not None:
            mark_run(context.instance, context.run.run_id)

    def settings(self) -> Settings:
        from pathlib import Path

        found = load_settings()
        return found.at(Path(self.home) if self.home else found.home, self.landing or found.landing_text)
