"""`python -m tests.survival.job MONTH`: the month's job through Dagster, errors told as the command line tells them."""

import sys

from orchestration.dagster_runs import run_job
from orchestration.recovery.full_disk import explained
from orchestration.settings import load_settings

if __name__ == "__main__":
    try:
        run_job(load_settings(), (sys.argv[1],))
    except Exception as error:
        told = explained(error, load_settings())
        if told is None:
            raise
        print(f"error: {told}\n  to do: {told.remedy}", file=sys.stderr)
        sys.exit(told.exit_code)
