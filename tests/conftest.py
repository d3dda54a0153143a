"""The infrastructure that every test on real parts shares."""

from tests.integration.conftest import database_url, stack, topic_prefix

__all__ = ["database_url", "stack", "topic_prefix"]
