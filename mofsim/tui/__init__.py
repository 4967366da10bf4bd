"""The terminal console: watches and steers tasks over HTTP, from the keyboard."""
