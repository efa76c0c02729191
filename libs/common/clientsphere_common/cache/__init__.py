"""What is kept for a while because it can be had again: port and adapters."""
