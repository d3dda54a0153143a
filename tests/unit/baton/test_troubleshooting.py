"""What docs/troubleshooting.md quotes is what the code says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from baton.stack.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "troubleshooting.md"
QUOTES = [line.removeprefix("> ") for line in PAGE.read_text().splitlines() if line.startswith("> ")]
ANYTHING = "…"


@pytest.fixture(scope="module")
def messages() -> str:
    files = (file for package in ("baton", "runtime") for file in sorted((REPOSITORY / package).rglob("*.py")))
    return "\n".join(text for file in files for text in texts_of(file))


@pytest.mark.parametrize("quote", QUOTES)
def test_quoted_message_is_one_of_the_code(quote: str, messages: str) -> None:
    assert any(character.isalpha() for character in quote)
    assert quote in messages


def texts_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else ANYTHING for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_chapters_that_are_linked_are_there() -> None:
    page = PAGE.read_text()

    assert "](#begin-anew)" in page
    assert "## Begin anew" in page
