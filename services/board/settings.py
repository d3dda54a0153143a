"""What the board needs to start, and what it refuses to start without."""

from pydantic import SecretStr

from runtime.settings import Environment, ServiceSettings


class NoAuthentication(Exception):
    """Missing setting: BOARD_TRUSTED_PROXY; in production the board believes only a proxy that knows this secret."""


class BoardSettings(ServiceSettings):
    """The board's own variables."""

    board_http_host: str = "127.0.0.1"
    board_http_port: int = 8080
    #: secret that an authenticating proxy sends with each request it has checked
    board_trusted_proxy: SecretStr | None = None
    board_pool_size: int = 12


def require_authentication(settings: BoardSettings) -> None:
    """Refuse a deployment in which anyone could claim to be anyone.

    Raises:
        NoAuthentication: production without a trusted proxy.
    """
    secret = settings.board_trusted_proxy
    if settings.baton_environment is Environment.PRODUCTION and not (secret and secret.get_secret_value()):
        raise NoAuthentication(" ".join((NoAuthentication.__doc__ or "").split()))
