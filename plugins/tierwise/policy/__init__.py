"""Tier policies: what they may say, whether they make sense, the rule tables they become, and why a tier is as it is."""

from tierwise.policy.catalogue import Measure, measures
from tierwise.policy.explanation import Explanation, Line, Step, explanations, why
from tierwise.policy.rules import Policy, adopt, check, load, policy_file, rule_tables, write_rule_tables
from tierwise.policy.timeline import drawn
from tierwise.policy.wording import Language, Shown, show

__all__ = [
    "Explanation",
    "Language",
    "Line",
    "Measure",
    "Policy",
    "Shown",
    "Step",
    "adopt",
    "check",
    "drawn",
    "explanations",
    "load",
    "measures",
    "policy_file",
    "rule_tables",
    "show",
    "why",
    "write_rule_tables",
]
