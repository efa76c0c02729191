"""The frame every service stands in; knows no service."""
