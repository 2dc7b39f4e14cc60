"""From a judged candidate to what people read: releases, exports, read-only SQL."""
