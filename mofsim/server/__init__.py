"""The HTTP server: it accepts tasks, shows them, and streams what happens to them."""
