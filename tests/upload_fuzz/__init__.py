"""Thousands of broken, hostile and absurd structure files, and what a server makes of them."""
