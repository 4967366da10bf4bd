"""What a person does with a task that is there."""

from mofsim.client.request import API, Request
from mofsim.client.requests.answers import _nothing
from mofsim.client.requests.submission import priority_name
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import Priority


def cancel(id: int) -> Request[Task]:
    """A waiting task ends at once, a running one between two steps."""
    return Request("POST", f"{API}/tasks/{id}/cancel", Task.model_validate, tries=2)


def retry(id: int, *, clean: bool = False) -> Request[Task]:
    """Let a task wait again that ended without a result; it goes on from its checkpoint, or starts `clean`."""
    query = {"clean": "true"} if clean else {}
    return Request("POST", f"{API}/tasks/{id}/retry", Task.model_validate, query=query)


def undo_cancel(id: int) -> Request[Task]:
    """Take a cancel back, within the seconds that the server allows (10 by default)."""
    return Request("POST", f"{API}/tasks/{id}/undo-cancel", Task.model_validate)


def hold(id: int) -> Request[Task]:
    """Keep a task from running until it is released; one that runs stops, and goes on later where it was."""
    return Request("POST", f"{API}/tasks/{id}/hold", Task.model_validate, tries=2)


def release(id: int) -> Request[Task]:
    """Let a held task run again."""
    return Request("POST", f"{API}/tasks/{id}/release", Task.model_validate)


def detach(id: int) -> Request[Task]:
    """Let a task that waits for another one's structure start with the structure that was to be optimized."""
    return Request("POST", f"{API}/tasks/{id}/detach", Task.model_validate)


def set_priority(id: int, priority: Priority | str) -> Request[Task]:
    """Raises ValueError for an unknown priority."""
    body = {"priority": priority_name(priority)}
    return Request("POST", f"{API}/tasks/{id}/priority", Task.model_validate, json=body, tries=2)


def delete(id: int) -> Request[None]:
    """Forget a task that has ended, with its files."""
    return Request("DELETE", f"{API}/tasks/{id}", _nothing)
