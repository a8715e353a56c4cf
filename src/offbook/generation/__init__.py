"""Generation: replies from a model, one at a time as a stream or many in a batch, and the scores of given replies."""
