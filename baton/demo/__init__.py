"""The synthetic network: referrals by every channel, staff who work them, a live view (`baton up`, `baton demo`)."""

import threading
from collections.abc import Callable, Mapping

#: where the doors, the board and the figures are
NEEDED = ("INTAKE_URL", "MLLP_ADDRESS", "BOARD_URL", "DATABASE_URL")
SEND_EVERY_S = 1.0
WORK_EVERY_S = 0.12
SEED = 7


def run(
    stack_env: Mapping[str, str], stop: threading.Event, troubles: Callable[[], tuple[str, ...]] = lambda: ()
) -> None:
    """Play the network until told to stop; needs the addresses of a running stack.

    `troubles` returns a line for each process of it that does not run.
    """
    from baton.demo.senders import Senders
    from baton.demo.staff import Staff
    from baton.demo.watch import watch

    senders = Senders(stack_env, SEED)
    staff = Staff(stack_env["BOARD_URL"], SEED, proof=stack_env.get("BOARD_TRUSTED_PROXY", ""))
    workers = [
        threading.Thread(target=senders.work, args=(stop, SEND_EVERY_S), name="senders", daemon=True),
        threading.Thread(target=staff.work, args=(stop, WORK_EVERY_S), name="staff", daemon=True),
    ]
    for worker in workers:
        worker.start()
    watch(stack_env, stop, troubles)
    for worker in workers:
        worker.join(5.0)
