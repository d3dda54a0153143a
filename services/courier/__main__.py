"""Run the courier: `python -m services.courier`."""

from collections.abc import Sequence

from runtime.process import run_pipeline
from services.courier.pipeline import Courier
from services.courier.rules.effects import NewEffect, Recipients, effects_of
from services.courier.rules.telling import Notice
from services.courier.sending.sender import start_sender
from services.courier.sending.webhook import address_of
from services.courier.settings import CourierSettings


def make(settings: CourierSettings) -> Courier:
    """Put the courier together; its sender starts only where something may leave."""
    start_sender(settings)
    url = settings.webhook_url if settings.may_send else None
    webhook = address_of(url.get_secret_value()) if url else None
    recipients: Recipients = settings.smtp_recipients if settings.may_send and settings.smtp_url else {}

    def effects(notice: Notice) -> Sequence[NewEffect]:
        return effects_of(notice, recipients=recipients, webhook=webhook)

    return Courier(effects)


if __name__ == "__main__":
    run_pipeline(make, CourierSettings)
