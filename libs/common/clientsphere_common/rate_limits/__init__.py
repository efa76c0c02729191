"""How often something may happen: port, the law, and adapters."""
