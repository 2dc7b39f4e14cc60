"""The verdict page as metadata of Dagster's assets: where an operator finds every check in words."""

from typing import Any

import dagster as dg

from orchestration.errors import MeterhouseError
from orchestration.quality_page.page import write_verdict_page
from orchestration.settings import Settings


def page_metadata(settings: Settings) -> dict[str, Any]:
    """Write the page of the last verdict and say where it is. A page that cannot be written fails no run."""
    try:
        return {"quality_page": dg.MetadataValue.path(str(write_verdict_page(settings)))}
    except (OSError, MeterhouseError) as error:
        return {"quality_page": f"not written: {error}. Write it with meterhouse quality."}
