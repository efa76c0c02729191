"""The frame every service stands in; knows no service."""

import os

# Read by grpc when it is imported. Our children are programs of their own and never go on using
# the parent's gRPC; the support for those that do only warns about each one that is started.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
