"""Documents in: upload, parsing, chunking, indexing, lifecycle."""
