"""`baton topics`: create the topics and register their schemas, or list them."""

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    topics = typer.Typer(help="Topics and their schemas.", no_args_is_help=True)
    topics.command("apply")(apply)
    topics.command("list")(list_topics)
    app.add_typer(topics, name="topics")


def apply(
    partitions: Annotated[
        int | None, typer.Option(min=1, envvar="TOPIC_PARTITIONS", help="Partitions of topics that are new.")
    ] = None,
    replication: Annotated[
        int, typer.Option(min=1, envvar="TOPIC_REPLICATION", help="Replicas of topics that are new.")
    ] = 1,
) -> None:
    """Create what is missing and register every schema; what exists stays."""
    from baton.target import target_settings
    from baton.topics import apply_topics
    from schemas.topics import DEFAULT_PARTITIONS

    created = apply_topics(
        target_settings(), partitions=partitions or DEFAULT_PARTITIONS, replication_factor=replication
    )
    typer.echo(f"{created} topics created, schemas registered")


def list_topics(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Print the topic table."""
    from schemas.topics import TOPICS

    rows = [
        {
            "topic": topic.name,
            "key": topic.key,
            "access": topic.access.value,
            "compacted": topic.is_compacted,
            "retention_days": topic.retention_days,
            "producers": list(topic.producers),
            "consumers": list(topic.consumers),
        }
        for topic in TOPICS
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(f"{row['topic']:<24} {row['access']:<11} key {row['key']}")
