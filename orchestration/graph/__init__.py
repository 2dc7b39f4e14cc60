"""What the Dagster UI shows: assets by stage, their checks, figures and lineage, and the steps that make them.

Thin on purpose: every step calls a function of pipeline.py, so that no door to publishing differs from
another. What an asset is called, where it shows and what is told of it is decided here, a file each.
"""

import warnings

import dagster as dg

# Backfill policies and observed assets are marked beta; the warnings would head every log.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
