"""`sweep`: many runs that differ in a few options, chosen by Optuna, and the page that says which to use."""
