"""Run the clocks: `python -m services.sla`."""

from runtime.process import run_pipeline
from services.sla.pipeline import Clocks
from services.sla.settings import ClocksSettings


def make(_: ClocksSettings) -> Clocks:
    """Put the clocks together."""
    return Clocks()


if __name__ == "__main__":
    run_pipeline(make, ClocksSettings)
