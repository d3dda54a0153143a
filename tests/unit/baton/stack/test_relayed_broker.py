"""A broker with a second door tells the clients of that door to come back through the relay before it."""

from pathlib import Path

from baton.stack.kafka import Broker, Relayed


def _broker(relayed: Relayed | None) -> Broker:
    nowhere = Path("nowhere")
    return Broker(
        java="java",
        jars=nowhere,
        data=nowhere,
        log=nowhere,
        port=1,
        controller_port=2,
        temporary=Path("/"),
        environment={},
        relayed=relayed,
    )


def test_a_relayed_door_is_advertised_under_the_port_of_its_relay() -> None:
    lines = _broker(Relayed.read("3:4")).render_settings(Path("records")).splitlines()

    assert "listeners=BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2,RELAYED://127.0.0.1:3" in lines
    assert "advertised.listeners=BROKER://127.0.0.1:1,RELAYED://127.0.0.1:4" in lines


def test_there_is_one_door_as_a_rule() -> None:
    assert Relayed.read("") is None
    assert "RELAYED" not in _broker(None).render_settings(Path("records"))
