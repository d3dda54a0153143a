"""What every event has in common: frozen, described field by field, each field with a PHI class."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=20_000)]


class PhiClass(StrEnum):
    """How sensitive one field is (R25, R26)."""

    NONE = "none"  #: may stand on public topics
    LIMITED = "limited"  #: free text that people wrote and that may name a patient
    IDENTIFYING = "identifying"  #: names a patient or is medical


class Event(BaseModel):
    """Base of all records on topics; immutable once made."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    #: the topic's subject and version, as in `schemas/avro/NAME.avsc`
    schema_name: ClassVar[str]


def field(doc: str, *, phi: PhiClass = PhiClass.NONE, **kwargs: Any) -> Any:
    """Describe one event field: its meaning and its PHI class."""
    return Field(description=doc, json_schema_extra={"phi": phi.value}, **kwargs)


def identifying(doc: str, **kwargs: Any) -> Any:
    """Describe a field that names a patient or is medical."""
    return field(doc, phi=PhiClass.IDENTIFYING, **kwargs)


def limited(doc: str, **kwargs: Any) -> Any:
    """Describe a field of free text that may name a patient."""
    return field(doc, phi=PhiClass.LIMITED, **kwargs)
