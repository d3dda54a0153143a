"""Settings from the environment or from secret files; a missing one stops the start and names itself."""

import os
import sys
from enum import StrEnum
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

EXIT_USAGE = 2


class Environment(StrEnum):
    """Which kind of deployment this is (R31)."""

    DEV = "dev"
    TEST = "test"
    PRODUCTION = "production"


class ServiceSettings(BaseSettings):
    """What every service needs to start."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    kafka_bootstrap_servers: str
    schema_registry_url: str
    database_url: str
    #: put before every topic, group and transactional id, so that deployments can share a cluster
    topic_prefix: str = ""
    #: number of this instance; names it to Kafka, so two running instances must differ
    instance: str = "0"
    baton_environment: Environment = Environment.DEV
    #: 0 takes any free port
    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"
    #: said with every answer of the health server, so that whoever started this process knows it from another one
    process_token: str = ""
    log_level: str = "INFO"
    batch_size: int = 500
    batch_wait_ms: int = 20
    #: exit when there is lag and no commit for this long
    watchdog_s: float = 20.0
    #: how long the step waits in place for a part that is away; well below what the group allows between two polls
    patience_s: float = 30.0
    failpoint: str = ""
    #: empty for the machine's clock; see runtime.clock
    clock: str = ""


S = TypeVar("S", bound=ServiceSettings)


def load_settings(settings_class: type[S]) -> S:
    """Read the settings, or exit with one line that names what is missing or wrong, never a value.

    SECRETS_FOLDER may name a folder of files called like the variables, as container platforms mount secrets.
    """
    try:
        return settings_class(_secrets_dir=os.environ.get("SECRETS_FOLDER") or None)
    except ValidationError as error:
        sys.stderr.write(f"{_complaint(error)}\n")
        raise SystemExit(EXIT_USAGE) from None


def _complaint(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    missing = [str(p["loc"][0]).upper() for p in problems if p["type"] == "missing"]
    wrong = [f"{str(p['loc'][0]).upper()} ({p['type']})" for p in problems if p["type"] != "missing"]
    parts = []
    if missing:
        parts.append("missing setting: " + ", ".join(missing))
    if wrong:
        parts.append("setting not usable: " + ", ".join(wrong))
    return "; ".join(parts)
