"""Where a stack can be reached, as the environment variables every part of the product reads."""

from pydantic import BaseModel, ConfigDict


class Addresses(BaseModel):
    """Every address of a stack; an empty one belongs to a part that does not run."""

    model_config = ConfigDict(frozen=True)

    kafka_bootstrap_servers: str
    schema_registry_url: str
    database_url: str
    intake_url: str = ""
    board_url: str = ""
    mllp_address: str = ""
    document_store: str = ""
    drop_folder: str = ""

    def as_environment(self) -> dict[str, str]:
        """Name each address that exists as an environment variable."""
        return {name.upper(): value for name, value in self.model_dump().items() if value}
