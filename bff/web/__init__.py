"""The schema of the web app: rich, and a Federation 2 subgraph."""
