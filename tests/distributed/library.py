"""The documents of the tests: small manuals that each say something of their own."""

from __future__ import annotations

_SECTIONS = 5


def manual(number: int) -> str:
    """About 3,000 characters; each section names the manual, so that no two chunks are equal."""
    return "\n\n".join(
        f"# Part {part} of manual {number}\n\n"
        f"The valve of machine {number} in part {part} opens at {number * 100 + part} kilopascal. "
        + f"Its seal is replaced after {part + 2} months of service. "
        * 8
        for part in range(1, _SECTIONS + 1)
    )


HANDBOOK = """# Employee handbook

## Vacation

Employees get 25 days of paid vacation a year. Vacation that was not taken by 31 March is lost.

## Travel

Rail travel is booked in second class. Trips of more than six hours may be booked in first class.
"""
QUESTION = "How many days of paid vacation do employees get a year?"
EXPECTED = "25 days"
