"""HTTP gateway: authentication, limits, routing, answers."""
