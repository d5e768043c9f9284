"""Tierwise: from orders, interactions and survey answers to customer value and customer tiers, every night."""

__version__ = "0.1.0"
