"""What a campaign that is not clean leaves behind: records, tables, the ledger, and where its ids were seen."""

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from runtime.settings import ServiceSettings
from tests.faults.evidence import LedgerPage, Violation
from tests.faults.keeping.extract import write_extract
from tests.faults.keeping.lines import write_lines
from tests.faults.keeping.tables import dump_tables
from tests.faults.keeping.topics import dump_offsets, dump_topics

EVIDENCE = "evidence"
EXTRACT = "extract.txt"


def keep_evidence(
    folder: Path,
    settings: ServiceSettings,
    *,
    groups: Sequence[str],
    ledger: LedgerPage,
    story: Sequence[object],
    violations: Sequence[Violation],
) -> Path:
    """Write everything there is beside the logs of a campaign and return where; what can not be read leaves why."""
    kept = folder / EVIDENCE
    kept.mkdir(exist_ok=True)
    steps: Sequence[tuple[str, Callable[[], None]]] = (
        ("ledger", lambda: write_lines(kept / "ledger.jsonl", (*ledger.sent, *ledger.asked, *ledger.planted))),
        ("story", lambda: write_lines(kept / "story.jsonl", (*violations, *story))),
        ("offsets", lambda: dump_offsets(settings, groups, kept / "offsets.jsonl")),
        ("topics", lambda: dump_topics(settings, kept / "topics")),
        ("tables", lambda: dump_tables(settings.database_url, kept / "tables")),
        ("extract", lambda: write_extract(kept / EXTRACT, folder, violations)),
    )
    for name, step in steps:
        try:
            step()
        except Exception:  # noqa: BLE001 - one part that can not be read must not cost the others
            (kept / f"{name}.failed").write_text(traceback.format_exc())
    return kept


def read_extract(folder: Path) -> str:
    """Return the extract that a scene's folder keeps; empty where there is none."""
    path = folder / EVIDENCE / EXTRACT
    return path.read_text() if path.exists() else ""
