"""Models whose encoders, or whose encoders' weights, come from elsewhere."""
