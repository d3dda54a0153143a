"""Bugs that are put into a copy of the product on purpose: a checker that finds none of them is worth nothing."""
