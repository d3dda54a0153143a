"""Intake: takes submissions on every channel and turns each into one normalised referral.

Consumes: `intake.submitted`. Produces: `intake.submitted` (channels), `referral.received` (normaliser).
Owns: the document store and the quarantine tables in the schema `intake`.
Decides: what a message says, what it lacks, and whether it is the same transmission again; never who the patient is.
"""
