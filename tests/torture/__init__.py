"""A mofsim that is hurt at random for a bounded time, and the proof that nothing it accepted was lost."""
