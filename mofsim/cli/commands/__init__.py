"""The commands; `mofsim.cli.group` knows in which module each is."""
