"""Draw the flow of topics from the topic table, and keep the copies in the documents current."""

import sys
from pathlib import Path

from schemas.topics import TOPICS, Service, TopicAccess

BEGIN = "<!-- flow: made by `python -m schemas.flow` -->"
END = "<!-- end of flow -->"
DOCUMENTS = ("README.md", "docs/flow.md")


def flow_picture() -> str:
    """Return a Mermaid flowchart of every topic between its producers and consumers."""
    lines = ["```mermaid", "flowchart LR"]
    lines += [f'  {_node(service)}["{service.value}"]' for service in Service]
    for topic in TOPICS:
        shape = f"[/{topic.name}/]" if topic.access is TopicAccess.PUBLIC else f"[/{topic.name} · restricted/]"
        node = topic.name.replace(".", "_")
        lines.append(f"  {node}{shape}")
        lines += [f"  {_node(producer)} --> {node}" for producer in topic.producers]
        lines += [f"  {node} --> {_node(consumer)}" for consumer in topic.consumers]
    return "\n".join([*lines, "```"])


def with_flow(text: str) -> str:
    """Return a document with the picture between its marks renewed.

    Raises:
        ValueError: the document has no marks.
    """
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(BEGIN)
    return f"{before}{BEGIN}\n{flow_picture()}\n{END}{after}"


def _node(service: Service) -> str:
    return service.name.lower()


def _renew(root: Path) -> None:
    for name in DOCUMENTS:
        path = root / name
        path.write_text(with_flow(path.read_text()))


if __name__ == "__main__":
    _renew(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
