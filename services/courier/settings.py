"""What the courier reads from its environment."""

from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from runtime.settings import ServiceSettings


class Outbound(StrEnum):
    """Whether anything may leave Baton (R31)."""

    FORBID = "forbid"
    ALLOW = "allow"


class CourierSettings(ServiceSettings):
    """Settings of the courier; without COURIER_OUTBOUND=allow it tells people in the application only."""

    courier_outbound: Outbound = Outbound.FORBID
    #: smtp://[user:password@]host[:port], or smtps:// for TLS from the start
    smtp_url: SecretStr | None = None
    smtp_from: str = "baton@localhost"
    #: JSON: pattern of queue names -> list of addresses, such as {"riverside.harbor.*": ["desk@harbor.example"]}
    smtp_recipients: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    webhook_url: SecretStr | None = None
    #: key of the HMAC in the header Baton-Signature
    webhook_secret: SecretStr | None = None
    #: where people reach the board
    board_link: str = "http://127.0.0.1:8080"
    #: how long a receiver may take to answer
    courier_timeout_s: float = Field(default=10, gt=0)
    #: after this time an attempt whose end nobody recorded is made again
    courier_lease_s: float = Field(default=90, gt=0)

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, url: SecretStr | None) -> SecretStr | None:
        return _with_scheme(url, ("smtp", "smtps"))

    @field_validator("webhook_url")
    @classmethod
    def _is_http(cls, url: SecretStr | None) -> SecretStr | None:
        return _with_scheme(url, ("http", "https"))

    @property
    def may_send(self) -> bool:
        """Whether anything may leave Baton."""
        return self.courier_outbound is Outbound.ALLOW

    @property
    def lease(self) -> timedelta:
        """Time after which an attempt whose end nobody recorded is made again."""
        return timedelta(seconds=self.courier_lease_s)


def _with_scheme(url: SecretStr | None, schemes: tuple[str, ...]) -> SecretStr | None:
    if url is None or not url.get_secret_value():
        return None
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError("address")
    return url
