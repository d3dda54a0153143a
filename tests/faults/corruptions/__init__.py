"""Histories with one thing wrong in each: the checker has to find it, and call it by its name."""

from tests.faults.corruptions import audit, clocks, existence, notices, path, topics
from tests.faults.corruptions.bending import CORRUPTIONS, Corruption

__all__ = ["CORRUPTIONS", "Corruption", "audit", "clocks", "existence", "notices", "path", "topics"]
