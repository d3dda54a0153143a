"""Run the stager."""

from runtime.process import run_pipeline
from services.stager.data_files import load_rulebook
from services.stager.invariant_watch import start_invariant_watch
from services.stager.pipeline import Stager
from services.stager.settings import StagerSettings


def make(settings: StagerSettings) -> Stager:
    """Put the stager together."""
    book = load_rulebook(settings.sla_policy)
    start_invariant_watch(settings)
    return Stager(book, instance=settings.instance)


if __name__ == "__main__":
    run_pipeline(make, StagerSettings)
