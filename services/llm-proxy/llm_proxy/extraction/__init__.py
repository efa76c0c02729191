"""Answers by quoting: finds the sentences of the passages that answer a question, or declines."""
