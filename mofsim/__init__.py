"""Simulations of metal-organic frameworks with machine-learned potentials, queued, run and watched."""

__version__ = "0.1.0"
