"""The parts of a ledger: store clock, held amounts, posting and recovery."""
