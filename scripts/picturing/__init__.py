"""What scripts/pictures is made of: a mofsim with real tasks, its console, and drawings of what a terminal shows."""
