from tests.client.conftest import client, hands, own_client, own_server, server

__all__ = ["client", "hands", "own_client", "own_server", "server"]
