"""Embeddings and answers behind one API."""
