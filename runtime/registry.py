"""The schema registry behind the codec."""

import time

import httpx
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from runtime.settings import ServiceSettings
from schemas.codec import Codec

NOT_FOUND_STATUS = 404
#: an id that the registry does not know is asked for again only after this time, so that poison costs no flood
ASK_AGAIN_S = 5.0


class SchemaNotRegistered(Exception):
    """The registry does not hold this schema; run `baton topics apply`."""


class RegistryUnavailable(Exception):
    """The registry can not be asked; no record is to blame, the process has to be started again."""


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
        try:
            found = self._client.lookup_schema(subject, Schema(schema_text, "AVRO"))
        except SchemaRegistryError as error:
            if error.http_status_code == NOT_FOUND_STATUS:
                raise SchemaNotRegistered(subject) from None
            raise RegistryUnavailable from None
        except (httpx.HTTPError, OSError):
            raise RegistryUnavailable from None
        return int(found.schema_id or 0)

    def schema_text(self, schema_id: int) -> str:
        """Return the schema of an id; raise KeyError when the registry has none.

        Raises:
            RegistryUnavailable: it could not be asked.
        """
        if time.monotonic() < self._unknown.get(schema_id, 0.0):
            raise KeyError(schema_id)
        try:
            return str(self._client.get_schema(schema_id).schema_str)
        except SchemaRegistryError as error:
            if error.http_status_code != NOT_FOUND_STATUS:
                raise RegistryUnavailable from None
            self._unknown[schema_id] = time.monotonic() + ASK_AGAIN_S
            raise KeyError(schema_id) from None
        except (httpx.HTTPError, OSError):
            raise RegistryUnavailable from None


def make_registry_client(settings: ServiceSettings) -> SchemaRegistryClient:
    """Return a client of the configured registry."""
    return SchemaRegistryClient(
        {"url": settings.schema_registry_url, "timeout": 10, "max.retries": 2, "retries.wait.ms": 200}
    )


def make_codec(settings: ServiceSettings) -> Codec:
    """Return the codec that this process encodes and decodes with."""
    return Codec(RegistrySchemaIds(make_registry_client(settings)), topic_prefix=settings.topic_prefix)
