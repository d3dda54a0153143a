"""Write every sample and expected.json anew: `python -m tests.samples.make_samples`."""

import json
from pathlib import Path

from tests.samples.catalogue import Sample, catalogue

FOLDER = Path(__file__).resolve().parent


def make(folder: Path) -> None:
    """Write all samples into a folder; the same bytes each time."""
    samples = tuple(catalogue())
    for sample in samples:
        path = folder / sample.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.content)
    expected = {sample.path: _row(sample) for sample in samples}
    (folder / "expected.json").write_text(json.dumps(expected, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _row(sample: Sample) -> dict[str, object]:
    return {
        "about": sample.about,
        "channel": sample.path.partition("/")[0],
        "content_type": sample.content_type,
        "refused": not sample.outcomes,
        "referrals": [outcome.as_row() for outcome in sample.outcomes],
    }


if __name__ == "__main__":
    make(FOLDER)
