"""The schema registry behind the codec."""

import time
from collections.abc import Callable

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from runtime.settings import ServiceSettings
from runtime.unavailable import InfrastructureUnavailable
from schemas.codec import Codec

NOT_FOUND_STATUS = 404
#: what a registry says of a subject, a version and a schema; a 404 without it comes from something else at its address
NOT_FOUND_CODES = frozenset({40401, 40402, 40403})
#: an id that the registry does not know is asked for again only after this time, so that poison costs no flood
ASK_AGAIN_S = 5.0
#: three attempts end before the watchdog takes the batch for one that hangs
ANSWER_WITHIN_S = 5


class SchemaNotRegistered(InfrastructureUnavailable):
    """The registry does not hold this schema; run `baton topics apply`."""

    part = "schema_in_registry"


class RegistryUnavailable(InfrastructureUnavailable):
    """The registry can not be asked."""

    part = "registry"


class RegistrySchemaIds:
    """Look schema ids up in a registry with the Confluent API; never registers."""

    def __init__(self, client: SchemaRegistryClient) -> None:
        self._client = client
        self._unknown: dict[int, float] = {}

    def id_of(self, subject: str, schema_text: str) -> int:
        """Return the id of a registered schema.

        Raises:
            SchemaNotRegistered: the subject does not hold it.
            RegistryUnavailable: it could not be asked.
        """
        found = _ask(lambda: self._client.lookup_schema(subject, Schema(schema_text, "AVRO")).schema_id)
        if found is None:
            raise SchemaNotRegistered(subject)
        return int(found)

    def schema_text(self, schema_id: int) -> str:
        """Return the schema of an id; raise KeyError when the registry has none.

        Raises:
            RegistryUnavailable: it could not be asked.
        """
        if time.monotonic() < self._unknown.get(schema_id, 0.0):
            raise KeyError(schema_id)
        found = _ask(lambda: self._client.get_schema(schema_id).schema_str)
        if found is None:
            self._unknown[schema_id] = time.monotonic() + ASK_AGAIN_S
            # the registry may have lost what it once knew, and then the client must not answer for it
            self._client.clear_caches()  # type: ignore[no-untyped-call]
            raise KeyError(schema_id)
        return str(found)


def _ask(question: Callable[[], int | str | None]) -> int | str | None:
    """Return the registry's answer, None when it says that it has none."""
    try:
        answer = question()
    except SchemaRegistryError as error:
        if error.http_status_code == NOT_FOUND_STATUS and error.error_code in NOT_FOUND_CODES:
            return None
        raise RegistryUnavailable from None
    except Exception:  # noqa: BLE001 - whatever the client stumbles over: transport, proxy, an answer of something else
        raise RegistryUnavailable from None
    if answer is None:
        raise RegistryUnavailable
    return answer


def make_registry_client(settings: ServiceSettings) -> SchemaRegistryClient:
    """Return a client of the configured registry."""
    return SchemaRegistryClient(
        {"url": settings.schema_registry_url, "timeout": ANSWER_WITHIN_S, "max.retries": 2, "retries.wait.ms": 200}
    )


def make_codec(settings: ServiceSettings) -> Codec:
    """Return the codec that this process encodes and decodes with."""
    return Codec(RegistrySchemaIds(make_registry_client(settings)), topic_prefix=settings.topic_prefix)
