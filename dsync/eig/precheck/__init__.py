"""The eligibility pre-check: applies the rules to a candidature and gives a reasoned decision.

Pure, except that `RuleSet.load` reads the lists, which `lists.py` replaces: no other I/O, no clock.
"""
