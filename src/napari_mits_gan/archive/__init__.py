"""One job for every series below a folder: resumed, spread over processes or a cluster, and reported."""
