"""Requests that the description of the API asks for, allowed and not, and whether the answers are as it says."""
