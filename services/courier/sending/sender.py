"""Send pending effects one after another, from a thread with a connection of its own.

An attempt is counted, then made, then recorded. A crash between making and recording repeats it once its lease is
over, with the same idempotency key: at most one repeat for each crash.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

import psycopg
import structlog

from runtime import metrics
from runtime.automation_log import AutomationEntry, append_automation_log
from runtime.clock import Clock, clock_of
from runtime.failpoints import EXIT_INTERNAL, failpoint
from runtime.postgres import connect
from runtime.process import end_at_once
from services.courier import store
from services.courier.pipeline import SERVICE
from services.courier.rules.effects import EffectState, Outcome, Transport, after_attempt
from services.courier.rules.wording import Effect
from services.courier.sending.mail import MailSender, server_of
from services.courier.sending.webhook import WebhookSender
from services.courier.settings import CourierSettings

IDLE_S = 0.5
SESSION = "courier-sender"
GIVEN_UP = frozenset({EffectState.FAILED, EffectState.GIVEN_UP})

log = structlog.get_logger()


class Way(Protocol):
    """A way out of Baton."""

    def send(self, effect: Effect) -> Outcome:
        """Send an effect and tell how it ended; raises nothing."""


class Sender:
    """Sends pending effects on one connection."""

    def __init__(
        self, connection: psycopg.Connection, ways: Mapping[Transport, Way], clock: Clock, settings: CourierSettings
    ) -> None:
        self._connection = connection
        self._ways = ways
        self._clock = clock
        self._lease = settings.lease

    def send_next(self) -> bool:
        """Send the effect that has waited longest and tell whether there was one."""
        with self._connection.transaction():
            effect = store.begin_attempt(self._connection, self._ways, now=self._clock.now(), lease=self._lease)
        if effect is None:
            return False
        failpoint("courier.before_send")
        outcome = self._ways[effect.transport].send(effect)
        failpoint("courier.after_send")
        self._record(effect, outcome)
        return True

    def count_pending(self) -> None:
        """Set the gauge of what waits to be sent."""
        with self._connection.transaction():
            metrics.EFFECTS_PENDING.set(store.count_pending(self._connection))

    def _record(self, effect: Effect, outcome: Outcome) -> None:
        now = self._clock.now()
        then = after_attempt(outcome, attempts=effect.attempts, now=now)
        with self._connection.transaction():
            store.end_attempt(self._connection, effect, outcome, then, now=now)
            if then.state in GIVEN_UP:
                detail = f"{effect.transport}: {then.state}: {outcome.code}"
                entry = AutomationEntry(at=now, kind="effect_not_sent", event_id=effect.notice_id, detail=detail)
                append_automation_log(self._connection, SERVICE, [entry])
        metrics.EFFECTS.labels(effect.transport, outcome.code or "sent").inc()
        log.info("effect_tried", effect_id=effect.effect_id, state=then.state, code=outcome.code)


def ways_of(settings: CourierSettings, clock: Clock) -> dict[Transport, Way]:
    """Return the ways out that are configured and allowed."""
    ways: dict[Transport, Way] = {}
    if not settings.may_send:
        return ways
    if settings.smtp_url is not None:
        ways[Transport.MAIL] = MailSender(
            server_of(settings.smtp_url.get_secret_value()),
            sender=settings.smtp_from,
            board_link=settings.board_link,
            timeout_s=settings.courier_timeout_s,
            now=clock.now,
        )
    if settings.webhook_url is not None:
        secret = settings.webhook_secret
        ways[Transport.WEBHOOK] = WebhookSender(
            settings.webhook_url.get_secret_value(),
            secret=secret.get_secret_value() if secret else None,
            board_link=settings.board_link,
            timeout_s=settings.courier_timeout_s,
        )
    return ways


def start_sender(settings: CourierSettings) -> None:
    """Send from a daemon thread for as long as the process lives; ends the process when the database is away."""
    clock = clock_of(settings.clock)
    ways = ways_of(settings, clock)
    if ways:
        threading.Thread(target=_run, args=(settings, ways, clock), name="sender", daemon=True).start()


def _run(settings: CourierSettings, ways: Mapping[Transport, Way], clock: Clock) -> None:
    try:
        sender = Sender(connect(settings, role=SERVICE, session=SESSION), ways, clock, settings)
        send_for_ever(sender, wait=lambda: threading.Event().wait(IDLE_S))
    except Exception as error:  # noqa: BLE001 - told by its kind and place; the supervisor starts the successor
        log.error("process_ends", error=error)
        end_at_once(EXIT_INTERNAL)


def send_for_ever(sender: Sender, *, wait: Callable[[], object]) -> None:
    """Send what is pending, again and again."""
    while True:
        while sender.send_next():
            pass
        sender.count_pending()
        wait()
