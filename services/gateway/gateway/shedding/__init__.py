"""Refuses at once what could not be done in time, the least important first."""
