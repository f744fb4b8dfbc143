"""Who may be sent to, who is sent to look, and what is done about those who wait too long."""
