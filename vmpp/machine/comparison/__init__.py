"""``vmpp compare``: one program under every combination of some choices, all cores at work.

`vmpp.compare` returns a `Row` for each combination; `table`, `picture` and `records` show them.
"""

from vmpp.machine.comparison.comparing import Row, compare
from vmpp.machine.comparison.measures import MEASURES, Measure
from vmpp.machine.comparison.trial import Trial

__all__ = ["MEASURES", "Measure", "Row", "Trial", "compare"]
