"""The real parts behind the tests: PostgreSQL, Redis and servers, started here, on free ports, in temporary folders."""
