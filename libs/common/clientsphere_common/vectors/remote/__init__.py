"""What is said to a Qdrant server: the client, the making of the collection, the translation."""
