"""Run the matcher: `python -m services.matcher`."""

from runtime.process import run_pipeline
from services.matcher.pipeline import make_matcher
from services.matcher.settings import MatcherSettings

if __name__ == "__main__":
    run_pipeline(make_matcher, MatcherSettings)
