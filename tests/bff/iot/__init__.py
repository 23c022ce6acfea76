"""The iot client, through its BFF over fake services."""
