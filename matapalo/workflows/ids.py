"""Workflow ids: `<field>:<record id>`, so that the same mutation under the same key is the same workflow."""


def workflow_id(field: str, record_id: str) -> str:
    """The id of the workflow that runs mutation ``field`` for an idempotency record."""
    return f"{field}:{record_id}"
