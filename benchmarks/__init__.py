"""Benchmarks: speed and quality compared with named alternatives, on data sets from packages or made up from a seed."""

import os

# The service uses one thread for NumPy, so every benchmark does too. This must be set before NumPy is imported.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
