"""Run the stager."""

from runtime.process import run_pipeline
from services.stager.data_files import load_rulebook
from services.stager.pipeline import Stager
from services.stager.settings import StagerSettings


def make(settings: StagerSettings) -> Stager:
    """Put the stager together."""
    return Stager(load_rulebook(settings.sla_policy), instance=settings.instance)


if __name__ == "__main__":
    run_pipeline(make, StagerSettings)
