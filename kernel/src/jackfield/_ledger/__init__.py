"""The parts of a ledger: the store's clock, what is held there, posting, and recovery."""
