from pathlib import Path

from services.stager.data_files import load_stage_table
from services.stager.stage_docs import render

PAGE = Path(__file__).parents[4] / "docs" / "stages.md"


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text() == render(), "run: python -m services.stager.stage_docs docs/stages.md"


def test_page_names_every_stage_and_reason() -> None:
    page, table = render(), load_stage_table()

    assert all(f"| {stage} |" in page for stage in table.stages)
    assert all(f"| {code} |" in page for code in table.reasons)
