"""Read the stage table and the SLA policies that ship with the service, or a policy of the clinic's own."""

import hashlib
import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from services.stager.rules.calendar import AlwaysOpenCalendar
from services.stager.rules.policy import SlaPolicy, read_policy
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.stage_table import StageTable
from services.stager.rules.stage_table_reader import read_stage_table

STAGE_TABLE_VERSION = 1
POLICIES = ("standard", "demo")
FOLDER = files("services.stager.rules")


def written_stage_table(version: int = STAGE_TABLE_VERSION) -> dict[str, Any]:
    """Return a stage table as it is written."""
    return tomllib.loads(FOLDER.joinpath(f"stage_table.v{version}.toml").read_text())


def load_stage_table(version: int = STAGE_TABLE_VERSION) -> StageTable:
    """Return the rules of a stage table."""
    return read_stage_table(written_stage_table(version))


def load_policy(name_or_path: str, table: StageTable) -> SlaPolicy:
    """Return a policy by its name, or from a file of the clinic's own."""
    if name_or_path in POLICIES:
        return read_policy(tomllib.loads(FOLDER.joinpath(f"sla_policy.{name_or_path}.toml").read_text()), table)
    return read_policy(tomllib.loads(Path(name_or_path).read_text()), table)


def load_rulebook(policy: str) -> Rulebook:
    """Return all rules under a policy."""
    table = load_stage_table()
    return Rulebook(table=table, policy=load_policy(policy, table), calendar=AlwaysOpenCalendar())


def stage_table_as_json(version: int = STAGE_TABLE_VERSION) -> tuple[str, str]:
    """Return a stage table for the database, and the digest by which a changed one is noticed."""
    content = json.dumps(written_stage_table(version), default=str)
    return content, hashlib.sha256(content.encode()).hexdigest()
