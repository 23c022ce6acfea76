"""REST services behind the gateway, and the monolith they are taken out of. They share only `kit` and `migrations`."""
