"""The broker's data folder is formatted with any id a cluster may have."""

import asyncio
import os
from pathlib import Path

from baton.stack.downloads import downloads_in, fetch
from baton.stack.kafka import Broker, new_cluster_id
from baton.stack.paths import cache_from
from baton.stack.services import system_environment
from baton.stack.toolchain import ensure_toolchain


def test_an_id_that_begins_like_an_option_is_taken_as_an_id(tmp_path: Path) -> None:
    cluster_id = "-" + new_cluster_id()[1:]

    asyncio.run(_prepare(tmp_path, cluster_id))

    assert f"cluster.id={cluster_id}\n" in (tmp_path / "records" / "meta.properties").read_text()


async def _prepare(folder: Path, cluster_id: str) -> None:
    tools, downloads = ensure_toolchain(lambda _line: None), downloads_in(cache_from(os.environ))
    await fetch(downloads, maven=tools.maven, log=folder / "maven.log", environment=dict(os.environ))
    broker = Broker(
        java=tools.java,
        jars=downloads.kafka,
        data=folder,
        log=folder / "kafka.log",
        port=1,
        controller_port=2,
        temporary=folder,
        environment=system_environment(os.environ),
        cluster_id=cluster_id,
    )
    await broker.prepare()
