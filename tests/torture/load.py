"""The tasks: submitted all the time, some cancelled, each with a key so that a lost answer loses nothing."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mofsim.client import Client, requests
from mofsim.client.errors import ApiError, ClientError
from mofsim.vocabulary import Priority, TaskType, WebhookEvent

from .listener import SECRET

#: of the tasks, those that have a receiver
SHARE_WITH_CALLBACK = 0.6


class Load(threading.Thread):
    """Runs until it is stopped; `accepted` are the ids that the server said yes to."""

    def __init__(self, url: str, receiver_url: str, seed: int, stop: threading.Event, most: int) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._receiver_url = receiver_url
        self._random = random.Random(seed)
        self._stopped = stop
        self._most = most
        self.accepted: set[int] = set()
        self.did: Counter[str] = Counter()

    def run(self) -> None:
        with Client(self._url) as client:
            while not self._stopped.is_set():
                self._one(client)
                self._stopped.wait(self._random.uniform(0.2, 1.2))

    def _one(self, client: Client) -> None:
        if len(self.accepted) < self._most:
            self._submit(client)
        if self.accepted and self._random.random() < 0.1:
            self._steer(client, self._random.choice(["cancel", "retry"]))

    def _submit(self, client: Client) -> None:
        """Until the server has answered: the key makes it one task however often it was asked."""
        key = str(uuid.uuid4())
        task_type = self._random.choices([TaskType.OPTIMIZATION, TaskType.SINGLE_POINT], [3, 1])[0]
        parameters = {"max_steps": self._random.randint(5, 60)} if task_type is TaskType.OPTIMIZATION else {}
        priority = self._random.choice(list(Priority))
        request = requests.submit(
            task_type, "Mg-MOF-74", model="brief", parameters=parameters, priority=priority, idempotency_key=key
        )
        if self._random.random() < SHARE_WITH_CALLBACK:
            options = request.json["options"] | {"callback": self._callback()}
            request = replace(request, json=request.json | {"options": options})
            self.did["with callback"] += 1
        self._insist(lambda: self.accepted.add(client.send(request).id))
        self.did["submitted"] += 1

    def _callback(self) -> dict[str, Any]:
        """All events, or some of them."""
        events = list(WebhookEvent)
        some = (
            self._random.sample(events, self._random.randint(1, len(events))) if self._random.random() < 0.3 else None
        )
        return {"url": self._receiver_url, "events": some, "secret": SECRET}

    def _steer(self, client: Client, verb: str) -> None:
        task_id = self._random.choice(sorted(self.accepted))
        self._insist(lambda: getattr(client, verb)(task_id))
        self.did[verb] += 1

    def _insist(self, call: Callable[[], object]) -> None:
        while True:
            try:
                call()
                return
            except ApiError as error:
                if error.code < 500:
                    return
            except ClientError:
                pass
            if self._stopped.wait(0.3):
                return
