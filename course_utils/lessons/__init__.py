"""What only the lessons use: their setup call, the switch between mini and full, figures, and the exercises' checks.

The library beside it does not depend on this package.
"""
