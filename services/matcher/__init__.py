"""The matcher: finds or creates the patient of each referral.

Consumes `ReferralReceived` and `PatientCorrected`, produces `ReferralMatched`, owns the schema `matcher`.
Decides which transmissions are repeats, which patient a referral belongs to, and which patients a person
should look at side by side.
"""
