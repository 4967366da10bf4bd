"""The wire: pydantic models of what goes over HTTP, shared by server, client and console."""
