from typing import Any

import pytest
from pydantic import ValidationError

from runtime.clock import MachineClock
from services.courier.rules.effects import Transport
from services.courier.sending.sender import ways_of
from services.courier.settings import CourierSettings

PLACES = {"kafka_bootstrap_servers": "k", "schema_registry_url": "http://r", "database_url": "postgresql://d"}
EVERYTHING = {"smtp_url": "smtp://mail.example", "webhook_url": "https://hooks.example/in?token=1"}


def settings(**fields: Any) -> CourierSettings:
    return CourierSettings(**(PLACES | fields))


def test_nothing_leaves_unless_it_is_allowed() -> None:
    assert ways_of(settings(**EVERYTHING), MachineClock()) == {}


def test_nothing_leaves_unless_it_is_configured() -> None:
    assert ways_of(settings(courier_outbound="allow", smtp_url="", webhook_url=""), MachineClock()) == {}


def test_what_is_configured_and_allowed_may_leave() -> None:
    ways = ways_of(settings(courier_outbound="allow", **EVERYTHING), MachineClock())

    assert set(ways) == {Transport.MAIL, Transport.WEBHOOK}


@pytest.mark.parametrize("fields", [{"webhook_url": "ftp://hooks.example"}, {"smtp_url": "mail.example"}])
def test_an_address_of_another_kind_is_refused_without_being_quoted(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**fields)

    assert "example" not in str(caught.value)
