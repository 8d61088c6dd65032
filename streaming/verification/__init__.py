"""Whose voice it is: recordings to vectors, pairs of them to decisions, lists of pairs to error rates."""
