"""Faults of the windows' memory: their tables are gone with the topics that could rebuild them."""

import signal
from datetime import UTC, datetime

from runtime.kafka import make_admin
from services.sla.windows.changelogs import changelog_topics
from tests.faults.campaign import Campaign
from tests.faults.cluster import TIMEOUT_S, await_that
from tests.faults.waiting import DEADLINE_S

WINDOWS = "sla-windows.0"
TOPICS_WITHIN_S = DEADLINE_S


def delete_tables(campaign: Campaign) -> None:
    """Kill the windows, delete the changelogs of their tables, and let the product make the topics again."""
    began_at = datetime.now(UTC)
    admin = make_admin(campaign.settings.kafka_bootstrap_servers)
    changelogs = set(changelog_topics(campaign.sandbox.prefix))
    with campaign.fleet.held(WINDOWS, number=signal.SIGKILL):
        for deleted in admin.delete_topics(list(changelogs)).values():
            deleted.result(TOPICS_WITHIN_S)
        await_that(
            lambda: changelogs.isdisjoint(admin.list_topics(timeout=TIMEOUT_S).topics),
            TOPICS_WITHIN_S,
            "the end of the topics",
        )
        campaign.sandbox.apply_topics()
        await_that(
            lambda: changelogs <= admin.list_topics(timeout=TIMEOUT_S).topics.keys(), TOPICS_WITHIN_S, "the topics"
        )
    campaign.await_ready()
    campaign.recover("tables of the windows deleted", began_at)
