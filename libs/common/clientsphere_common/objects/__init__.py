"""Whole files by key: a port, and a directory that keeps them."""
