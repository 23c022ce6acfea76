"""Limits that hold: tiers, pure rules with their Lua twins, and one atomic call for all policies of a subject."""
