"""What is said to a Qdrant server: its settings, the making of the collection, the translation."""
