from pathlib import Path

import pytest

from schemas.flow import DOCUMENTS, with_flow
from schemas.topics import TOPICS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_flow_picture_of_the_documents_is_current(name: str) -> None:
    text = (ROOT / name).read_text()

    assert with_flow(text) == text, "renew it with `python -m schemas.flow`"


def test_every_topic_stands_in_the_picture() -> None:
    text = with_flow("<!-- flow: made by `python -m schemas.flow` -->\n<!-- end of flow -->")

    assert all(topic.name in text for topic in TOPICS)


def test_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="flow"):
        with_flow("nothing here")
