"""The models that llm-proxy can stand in front of."""
