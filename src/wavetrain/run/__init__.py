"""Many runs, and whether their figures are still those of the code."""
