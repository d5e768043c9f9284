"""What a customer's purchases say about the next year: models of the literature. Numbers in, numbers out, no I/O.

Times and horizons are in one unit throughout, whatever it is; parameters that have a unit have that one.
"""
