"""Renders the sample documents that cannot be written by hand."""
