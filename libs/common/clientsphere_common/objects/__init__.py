"""Whole files by key: a port, a directory that keeps them, and an S3 bucket."""
