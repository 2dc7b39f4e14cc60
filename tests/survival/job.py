"""`python -m tests.survival.job MONTH`: the month's job through Dagster, errors told as the command line tells them."""

import sys

import dagster as dg

from orchestration.dagster_runs import prepare_home
from orchestration.definitions import build_definitions
from orchestration.recovery.full_disk import explained
from orchestration.settings import load_settings

if __name__ == "__main__":
    settings = load_settings()
    try:
        prepare_home(settings)
        job = build_definitions(settings).resolve_job_def("monthly_invoices")
        with dg.DagsterInstance.get() as instance:
            job.execute_in_process(instance=instance, partition_key=sys.argv[1])
    except Exception as error:
        told = explained(error, settings)
        if told is None:
            raise
        print(f"error: {told}\n  to do: {told.remedy}", file=sys.stderr)
        sys.exit(told.exit_code)
