"""What a process is made of when a service runs alone: operations endpoints, waiting, signals."""
