"""Speed as ratios: landing to published marts beside one hand-written query over the same files."""
