"""What runs in the executor: simulations with machine-learned potentials.

This package imports ase, numpy and torch, and nothing else of mofsim, so that it can run under another Python
interpreter, where a potential whose package contradicts ours is installed.
"""
