"""A schema registry in memory."""


class RememberedSchemas:
    """Gives each text an id of its own, as a registry does."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}

    def id_of(self, subject: str, schema_text: str) -> int:
        """Return the id of a schema, known from now on."""
        for schema_id, text in self.texts.items():
            if text == schema_text:
                return schema_id
        self.texts[len(self.texts) + 1] = schema_text
        return len(self.texts)

    def schema_text(self, schema_id: int) -> str:
        """Return the schema of an id; raise KeyError when there is none."""
        return self.texts[schema_id]
