"""Stager: the only one who changes a referral.

Consumes: ReferralMatched, ReferralCommanded, SlaSignalled. Produces: ReferralChanged, ReferralState.
Owns: schema stager. Decides: stages, tasks, owners, due times, reasons, refusals; the rules are in rules/.
"""
