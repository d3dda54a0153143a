"""The commands of `baton`, one module per group; each exposes `register(app)`."""
