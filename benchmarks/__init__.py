"""Speed as ratios: landing to published marts, compared with one hand-written query over the same files."""
