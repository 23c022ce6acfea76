"""GraphiQL's sources, its built files (`dist/`) and the script that makes the second from the first."""
