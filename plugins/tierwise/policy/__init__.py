"""Tier policies: what they may say, whether they make sense, the rule tables they become, and why a tier is as it is."""

from tierwise.policy.catalogue import Measure, measures
from tierwise.policy.explanation import Explanation, Line, why
from tierwise.policy.rules import Policy, adopt, check, load, policy_file, rule_tables, write_rule_tables
from tierwise.policy.wording import Shown, show

__all__ = [
    "Explanation",
    "Line",
    "Measure",
    "Policy",
    "Shown",
    "adopt",
    "check",
    "load",
    "measures",
    "policy_file",
    "rule_tables",
    "show",
    "why",
    "write_rule_tables",
]
