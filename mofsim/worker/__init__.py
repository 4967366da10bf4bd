"""Worker processes: a supervisor per box, a device worker per GPU, an executor below each, and the chores."""
