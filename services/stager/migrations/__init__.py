"""Migrations of schema stager."""
