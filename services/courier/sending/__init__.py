"""The ways out of Baton; off unless they are configured and allowed (R31)."""
