"""Claims about margins, binary32 and the cross-entropy that are false."""

from __future__ import annotations

from tests.vectors.make.entries import Invalid

VECTORS: list[Invalid] = []
