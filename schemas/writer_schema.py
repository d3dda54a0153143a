"""Refuse writer schemas that could hurt the reader: a registry takes any schema, and records name theirs by id."""

from collections.abc import Mapping, Sequence
from typing import Any

#: bytes that a value takes at least
_WIDTHS = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1}
MAX_DEPTH = 8
MAX_FIELDS = 500


class HarmfulSchema(Exception):
    """The schema nests into itself, repeats what takes no bytes, or is no Avro schema."""


def require_harmless(schema: Any) -> None:
    """Return when reading by the schema costs no more than the record is long.

    Raises:
        HarmfulSchema: a few bytes could become a deep recursion or millions of values.
    """
    _Walk().width(schema, 0)


class _Walk:
    def __init__(self) -> None:
        self._widths = dict(_WIDTHS)
        self._fields = 0

    def width(self, schema: Any, depth: int) -> int:
        """Return how many bytes a value takes at least."""
        if depth > MAX_DEPTH:
            raise HarmfulSchema
        if isinstance(schema, str):
            # a name is known once its record is complete, so that one inside itself is not
            if schema not in self._widths:
                raise HarmfulSchema
            return self._widths[schema]
        if isinstance(schema, list):
            return self._union(schema, depth)
        if not isinstance(schema, dict):
            raise HarmfulSchema
        return self._complex(schema, depth)

    def _union(self, branches: Sequence[Any], depth: int) -> int:
        if not branches:
            raise HarmfulSchema
        for branch in branches:
            self.width(branch, depth + 1)
        return 1

    def _complex(self, schema: Mapping[str, Any], depth: int) -> int:
        match schema.get("type"):
            case "record":
                return self._record(schema, depth)
            case "array" | "map" as kind:
                # a map's entry has a key, an array's item may be nothing at all
                if self.width(schema.get("items" if kind == "array" else "values"), depth + 1) + (kind == "map") == 0:
                    raise HarmfulSchema
                return 1
            case "enum":
                return 1
            case "fixed":
                size = schema.get("size")
                if not isinstance(size, int) or size < 1:
                    raise HarmfulSchema
                return size
            case inner:
                return self.width(inner, depth + 1)

    def _record(self, schema: Mapping[str, Any], depth: int) -> int:
        fields = schema.get("fields")
        if not isinstance(fields, list):
            raise HarmfulSchema
        self._fields += len(fields)
        if self._fields > MAX_FIELDS:
            raise HarmfulSchema
        total = sum(self.width(field.get("type") if isinstance(field, dict) else None, depth + 1) for field in fields)
        name, namespace = str(schema.get("name", "")), schema.get("namespace")
        for known in (name, f"{namespace}.{name}"):
            self._widths.setdefault(known, total)
        return total
