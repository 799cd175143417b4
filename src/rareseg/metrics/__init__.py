"""Room 2: counts and scores of a prediction, and every figure as a function of them."""
