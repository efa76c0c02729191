"""gRPC as every service speaks it: one frame around servers, one around calls."""
