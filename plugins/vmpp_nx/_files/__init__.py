"""NX's calls for files, with the six modes in which nodes share one."""
