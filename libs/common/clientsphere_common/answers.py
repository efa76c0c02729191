"""The one word on which the prompt and the models agree for "the passages do not say"."""

NO_ANSWER = "NO_ANSWER"
"""A model answers with exactly this, and nothing else, when the passages hold no answer."""
