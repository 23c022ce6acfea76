"""The snippets of README and docs, run."""
