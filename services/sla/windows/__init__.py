"""The windows: signals become one notice per queue, kind and window, and one escalation per storm (Faust)."""
