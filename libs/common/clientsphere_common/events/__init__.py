"""The durable event log between services: one port, an adapter for each shape."""
