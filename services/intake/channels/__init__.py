"""The ways into Baton: each takes messages as they come, keeps the bytes, publishes `IntakeSubmitted`, then says so.

Nothing is read here beyond what tells one message from another; what a message means is the normaliser's matter.
A sender hears "accepted" only when both the bytes and the event are durable, and hears the reason otherwise.
"""
