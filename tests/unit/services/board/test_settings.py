import subprocess
import sys

import pytest

from runtime.settings import Environment
from services.board.settings import BoardSettings, NoAuthentication, require_authentication

ADDRESSES = {"kafka_bootstrap_servers": "none", "schema_registry_url": "none", "database_url": "none"}


@pytest.mark.parametrize("secret", [None, ""])
def test_production_needs_a_proxy_that_proves_itself(secret: str | None) -> None:
    settings = BoardSettings(**ADDRESSES, baton_environment=Environment.PRODUCTION, board_trusted_proxy=secret)  # type: ignore[arg-type]  # as the environment gives it

    with pytest.raises(NoAuthentication, match="BOARD_TRUSTED_PROXY"):
        require_authentication(settings)


@pytest.mark.parametrize("environment", [Environment.DEV, Environment.TEST])
def test_development_goes_without(environment: Environment) -> None:
    require_authentication(BoardSettings(**ADDRESSES, baton_environment=environment))  # type: ignore[arg-type]


def test_the_secret_is_never_shown() -> None:
    settings = BoardSettings(**ADDRESSES, board_trusted_proxy="sentinel")  # type: ignore[arg-type]

    assert "sentinel" not in repr(settings)


def test_a_board_without_authentication_does_not_start_in_production() -> None:
    environment = {name.upper(): value for name, value in ADDRESSES.items()}

    ended = subprocess.run(
        [sys.executable, "-m", "services.board"],
        env={**environment, "BATON_ENVIRONMENT": "production"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert "BOARD_TRUSTED_PROXY" in ended.stderr
