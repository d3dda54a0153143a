"""The only SQL of the board, a statement per file in `sql/`; every read runs as one person (see `session.py`)."""
