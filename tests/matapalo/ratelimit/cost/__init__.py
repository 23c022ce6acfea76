"""Costs: the golden ones of the real schemas, and the rules on a small one."""
