from mofsim.client import Client
from tests.client.running import Hands

from .conftest import Mofsim


def test_alerts_are_listed_while_they_hold_and_with_all_after(
    own_mofsim: Mofsim, own_client: Client, hands: Hands
) -> None:
    said = own_mofsim("alerts")
    assert (said.status, said.stdout) == (0, "") and "nothing needs you" in said.stderr
    hands.alert("box:gpu0", "the GPU fell off the bus")
    hands.alert("box:gpu1", "the GPU fell off the bus")
    hands.resolve("box:gpu0")
    (row,) = own_mofsim("alerts").stdout.splitlines()[1:]
    assert row.startswith("ERROR") and "box:gpu1" in row and row.endswith("the GPU fell off the bus")
    assert [each["subject"] for each in own_mofsim("alerts", "--json").document] == ["box:gpu1"]
    assert [each["resolved"] for each in own_mofsim("alerts", "--all", "--json").document] == [False, True]
    assert len(own_mofsim("alerts", "--all").stdout.splitlines()) == 3
