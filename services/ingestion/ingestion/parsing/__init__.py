"""From a file's bytes to clean text in blocks; `sandbox` is the way in, for no file is trusted."""
