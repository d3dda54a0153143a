"""A made-up network of clinics, patients and referrals; every name, date and number is invented."""
