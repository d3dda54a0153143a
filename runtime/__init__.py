"""What is impure and the same for every service; it knows no rule about referrals."""
