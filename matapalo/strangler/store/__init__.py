"""The routes document in Redis, shared by the control plane and all agents."""
