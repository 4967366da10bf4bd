"""How servers are that the console is not connected to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from mofsim.tui.jobs import Post
from mofsim.tui.server_list import Known

if TYPE_CHECKING:
    from mofsim.client import AsyncClient

#: What takes longer does not answer, in seconds.
ANSWERS_WITHIN = 4.0


@dataclass
class ServerLookedAt(Message):
    server: Known


async def look(reach: Callable[[str], AsyncClient], url: str, post: Post) -> None:
    from mofsim.client import ApiError, ClientError, ServerUnreachable

    try:
        client = await asyncio.to_thread(reach, url)
    except (ValueError, OSError) as error:
        post(ServerLookedAt(Known(url, problem=str(error))))
        return
    try:
        health = await asyncio.wait_for(client.health(), ANSWERS_WITHIN)
        post(ServerLookedAt(Known(url, health)))
    except TimeoutError:
        post(ServerLookedAt(Known(url, problem="it does not answer in time")))
    except ServerUnreachable as error:
        post(ServerLookedAt(Known(url, problem=error.reason.partition(";")[0])))
    except ApiError as error:
        post(ServerLookedAt(Known(url, problem=error.detail.partition(";")[0])))
    except ClientError as error:
        post(ServerLookedAt(Known(url, problem=str(error))))
    finally:
        await client.close()
