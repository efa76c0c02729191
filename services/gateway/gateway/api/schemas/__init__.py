"""What requests and responses look like, with an example of each."""
