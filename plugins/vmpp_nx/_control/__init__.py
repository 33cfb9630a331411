"""NX's calls for processes, applications and partitions."""
