"""The event log on Kafka topics, shared by any number of processes."""
