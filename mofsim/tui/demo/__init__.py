"""A simulated world for the console: devices, tasks and alerts that live, without a server and without a model."""
