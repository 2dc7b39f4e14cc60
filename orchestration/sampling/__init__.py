"""Sample extracts: deterministic, in vendors' shapes or flat, with labelled traps and a key file."""

from orchestration.sampling.generate import SampleReport, generate

__all__ = ["SampleReport", "generate"]
