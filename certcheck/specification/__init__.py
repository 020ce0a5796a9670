"""certcheck-spec: the specification of certcheck, a second checker that shares nothing with it.

It is docs/soundness.md as a program: Python's integers and fractions, the standard library, and nothing else of
this project. It is slow, stops at order 60, and rounds nothing but what docs/format.md says that a certificate
determines, and exponentials and a logarithm, upwards. certcheck's numbers are these numbers rounded in the safe
direction, so what certcheck verifies, this verifies; what this refuses and certcheck verifies is a bug of one of them.

Each module imports only earlier ones:

decision       the six results, and how the others are reached than by proof
document       bytes to the values of the format
statement      what is claimed (claim 8)
exact          rational matrices, the roundings, upper bounds of roots
group          permutations, their table, generators and tree, names (claims 3, 4 and 9)
margin         margins of pairs, or lower bounds of them, against a bound
network        tensors, architectures, folding, the exact margins of every pair (claims 1, 2 and 7)
argument       merging, and the lower bound ℓ of every margin from tables and errors (claims 14, 17 and 21)
equivariant    what representations prove (claims 12 to 17)
rho_set        what circuits prove (claims 18 to 21)
float32        what evaluation in binary32 takes from a margin (claims 22 to 24)
cross_entropy  an upper bound of the cross-entropy from margins (claim 26)
certificate    a whole certificate, decided
__main__       the command line
"""
