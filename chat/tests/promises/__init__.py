"""The promises of the design, each kept by real server processes over real sockets, in the presence of faults."""
