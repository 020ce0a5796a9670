"""An upper bound of the cross-entropy from margins (claim 26)."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, Context, Decimal
from fractions import Fraction

from certcheck.specification.margin import Margins

DIGITS = 30


def bound_cross_entropy_upper(margins: Margins) -> Fraction:
    """The mean over the pairs of log(1 + sum of e^-mu) is not larger, if no margin is smaller than given here.

    With t = max(0, -mu) it is t + log(e^-t + sum of e^-(mu + t)), where one summand is 1 (claim 26); the sum of the
    logarithms is that of the product.
    """
    context = Context(prec=DIGITS, rounding=ROUND_CEILING, Emin=MIN_EMIN, Emax=MAX_EMAX)
    shifts, product = 0, Decimal(1)
    for numerators in margins.numerators.values():
        least = min([0, *numerators])
        shifts -= least
        summands = Decimal(0)
        for margin in (0, *numerators):
            exponent = context.divide(Decimal(least - margin), Decimal(margins.denominator))
            summands = context.add(summands, exp_upper(exponent, context))
        product = context.multiply(product, summands)
    logarithms = Fraction(log_upper(product, context))
    return (Fraction(shifts, margins.denominator) + logarithms) / len(margins.numerators)


# Decimal's exponential and logarithm are correctly rounded to the nearest number, so the next one above is an upper
# bound. e^0 = 1 and log 1 = 0 are exact.


def exp_upper(value: Decimal, context: Context) -> Decimal:
    """At least e^value."""
    return context.next_plus(context.exp(value)) if value else Decimal(1)


def log_upper(value: Decimal, context: Context) -> Decimal:
    """At least the logarithm of the value."""
    return context.next_plus(context.ln(value)) if value != 1 else Decimal(0)
