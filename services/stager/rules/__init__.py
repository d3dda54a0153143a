"""What the stager decides, without touching the world."""
