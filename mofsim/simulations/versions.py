"""Versions of installed packages, without importing them."""

import functools
import importlib.metadata


@functools.cache
def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Of those distributions in `packages` that this interpreter has."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
