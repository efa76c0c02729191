"""Checks and generators of the workspace, run by make."""
