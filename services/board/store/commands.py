"""Read how commands ended."""

from services.board.answers import CommandAnswer, CorrectionAnswer
from services.board.store.session import Session


def read_command(session: Session, command_id: str) -> CommandAnswer | None:
    """Return how a command ended, or nothing while nobody has answered it."""
    row = session.row("command", command_id=command_id)
    return CommandAnswer.model_validate({**row, "rule": row["refusal"]}) if row else None


def read_correction(session: Session, command_id: str) -> CorrectionAnswer | None:
    """Return how a correction ended, or nothing while nobody has dealt with it."""
    row = session.row("correction", command_id=command_id)
    return CorrectionAnswer.model_validate(row) if row else None
