"""The maker of the test vectors: `python -m tests.vectors.make` writes the folder anew.

Nothing of certcheck or certgen is imported here, and no float is rounded: the vectors are made from docs/format.md
alone, with expectations written by hand.

groups        permutation groups, their generators, actions
weights       numbers to bytes, tensors, networks of circuits in every architecture
document      sections to certificates, packed arrays, the canonical bytes
tables        sections of the methods `equivariant` and `rho-set`
exhaustive    valid certificates of that method
argument      valid certificates of the other two
evaluation    margins, cross-entropy and what rounding can take, in rationals
claims        valid certificates that claim something of these
edits         one-line spellings of edits
entries       what the index says of a vector
invalid_...   what each edit makes of a valid certificate, and why it must be refused
auditor       the files that an auditor brings, and where they differ
"""
