"""The synthetic network: referrals by every channel, staff who work them, a live view (`baton up`, `baton demo`)."""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from baton.refusal import Refused

#: where the doors, the board and the figures are
NEEDED = ("INTAKE_URL", "MLLP_ADDRESS", "BOARD_URL", "DATABASE_URL")
SEND_EVERY_S = 1.0
WORK_EVERY_S = 0.5
#: a referral lies so long on average before somebody gets to it
TAKES_S = 12.0
MOST_SEEDS = 10**9
END_WITHIN_S = 5.0


def run(
    stack_env: Mapping[str, str], stop: threading.Event, troubles: Callable[[], tuple[str, ...]] = lambda: ()
) -> None:
    """Play the network until told to stop; needs the addresses of a running stack.

    `troubles` returns a line for each process of it that does not run.

    Raises:
        Refused: DEMO_SEED is no number.
    """
    from baton.demo.senders import Senders
    from baton.demo.staff import Staff
    from baton.demo.watch import Playing, watch

    seed = seed_of(stack_env)
    senders = Senders(stack_env, seed)
    proof = stack_env.get("BOARD_TRUSTED_PROXY", "")
    staff = Staff(stack_env["BOARD_URL"], seed, proof=proof, takes_s=TAKES_S)
    sending = threading.Thread(target=senders.work, args=(stop, SEND_EVERY_S), name="senders", daemon=True)
    sending.start()
    workers = (sending, *staff.start(stop, WORK_EVERY_S))

    def figures() -> dict[str, int]:
        return {
            "sent": senders.accepted,
            "refused by doors": senders.refused,
            "staff steps": staff.done,
            "refused to staff": staff.refused,
        }

    def all_troubles() -> tuple[str, ...]:
        gone = [f"{worker.name} of the demo: ended by a fault" for worker in workers if not worker.is_alive()]
        return (*troubles(), *gone)

    watch(Playing(addresses=stack_env, seed=seed, troubles=all_troubles, own_figures=figures), stop)
    _join(workers)


def seed_of(environment: Mapping[str, str]) -> int:
    """Return the seed that is asked for, or a new one: what was sent before would be dropped as repeats.

    Raises:
        Refused: it is no number.
    """
    asked = environment.get("DEMO_SEED", "")
    if not asked:
        return secrets.randbelow(MOST_SEEDS)
    if not (asked.isascii() and asked.isdigit()) or int(asked) >= MOST_SEEDS:
        raise Refused(f"DEMO_SEED is a whole number below {MOST_SEEDS}")
    return int(asked)


def _join(workers: Iterable[threading.Thread]) -> None:
    end = time.monotonic() + END_WITHIN_S
    for worker in workers:
        worker.join(max(end - time.monotonic(), 0.0))
