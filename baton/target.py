"""Which deployment a command speaks to: the one the environment names, else the stack that runs here."""

import os
from collections.abc import Mapping

from pydantic import ValidationError

from baton.refusal import Refused
from baton.secret_files import secrets_of
from runtime.settings import ServiceSettings

NEEDED = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "DATABASE_URL")


def target_environment(environment: Mapping[str, str], needed: tuple[str, ...] = NEEDED) -> dict[str, str]:
    """Return the environment completed by secret files and, where one is needed, the addresses of the running stack.

    Raises:
        Refused: an address is not in the environment and no stack runs.
    """
    named = {**secrets_of(environment), **{name: value for name, value in environment.items() if value}}
    if all(named.get(name) for name in needed):
        return named
    from baton.stack import control
    from baton.stack.paths import home_from

    addresses = control.running(home_from(environment)).addresses.as_environment()
    return {**addresses, **named}


def target_settings(needed: tuple[str, ...] = NEEDED) -> ServiceSettings:
    """Return the settings for a command's own clients.

    Raises:
        Refused: an address is missing and no stack runs, or a setting is not usable.
    """
    environment = target_environment(os.environ, needed)
    names = ServiceSettings.model_fields
    try:
        return ServiceSettings.model_validate(
            {name: environment[name.upper()] for name in names if environment.get(name.upper())}
        )
    except ValidationError as error:
        wrong = ", ".join(str(problem["loc"][0]).upper() for problem in error.errors(include_input=False))
        raise Refused(f"setting missing or not usable: {wrong}") from None
