"""Board: answers where a referral is and who owns the next step, and takes commands.

Consumes nothing. Produces `ReferralCommanded` and `PatientCorrected`. Owns the access rules of the database (its
migrations) and the `board` schema. Decides who may see what; what a command does is decided by the services that
consume it.
"""
