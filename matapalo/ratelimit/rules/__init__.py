"""The rules of the limits, pure: functions of values and moments. Windows, bucket, lease and state have Lua twins."""
