"""Where in a scan attacks are tried."""
