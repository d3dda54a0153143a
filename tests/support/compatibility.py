"""Whether records written by one version of a schema can be read by another."""

import io
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fastavro
from fastavro.utils import generate_many

#: enough for every branch of every union to come
SAMPLES = 40

Schema = Mapping[str, Any]


def versions_of(name: str, folder: Path) -> dict[str, Schema]:
    """Return every stored version of a schema by file name: NAME.avsc is the current one, NAME.*.avsc those before."""
    paths = [folder / f"{name}.avsc", *sorted(folder.glob(f"{name}.*.avsc"))]
    return {path.name: json.loads(path.read_text()) for path in paths}


def incompatibilities(versions: Mapping[str, Schema]) -> Iterator[str]:
    """Yield each pair of versions where one can not read what the other wrote (FULL_TRANSITIVE)."""
    for writer_name, writer in versions.items():
        for reader_name, reader in versions.items():
            if problem := _problem(writer, reader):
                yield f"{reader_name} can not read {writer_name}: {problem}"


def _problem(writer: Schema, reader: Schema) -> str | None:
    parsed_writer, parsed_reader = fastavro.parse_schema(dict(writer)), fastavro.parse_schema(dict(reader))
    random.seed(31)
    for record in generate_many(parsed_writer, SAMPLES):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed_writer, record)
        buffer.seek(0)
        try:
            fastavro.schemaless_reader(buffer, parsed_writer, parsed_reader)
        except Exception as error:  # noqa: BLE001 - any failure is the finding
            return f"{type(error).__name__}: {error}"
    return None
