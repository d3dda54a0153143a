"""Pure decisions of the board: what was searched for, how long a referral waited, who sees which columns."""
