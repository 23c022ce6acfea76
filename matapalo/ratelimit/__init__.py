"""Rate limits: `rules` decide (pure, with Lua twins), `store` counts, `cost` prices, `limiter` joins them."""
