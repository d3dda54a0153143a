"""Pure decisions of intake: how a name, date, phone or specialty is read and what a referral lacks."""
