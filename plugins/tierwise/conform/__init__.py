"""Delivery → canonical rows + what stays outside: one SQL statement per delivery, made from its description.

Conform only types. Whether a value is plausible is asked once, at the door in.
"""

from tierwise.conform.deliveries import conform

__all__ = ["conform"]
