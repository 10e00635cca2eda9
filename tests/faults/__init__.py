"""The promise under faults: who says what to a cluster whose parts die, and a checker of what everyone saw."""
