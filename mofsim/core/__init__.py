"""What happens to a task: synchronous functions on a Session, without HTTP and without torch."""
