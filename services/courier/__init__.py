"""Courier: everything that tells people and systems.

Consumes: NoticeRequested. Produces: nothing. Owns: schema courier.
Decides: which notices tell something new, and when a mail or a call is tried again or given up.
"""
