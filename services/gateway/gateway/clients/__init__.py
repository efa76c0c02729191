"""The other services as the gateway's ports: messages of the wire in and out, nothing else."""
